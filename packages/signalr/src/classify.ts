import type { Classify, FaultRow } from "@holdfast/core";
import { signalrTable } from "#platform";

/** Turns an error of the official client, with what `wire.ts` saw of it, into a fault. Own rows go before ours. */
export function classifySignalR(own: readonly FaultRow[] = []): Classify {
  return signalrTable(own);
}
