import { faultTable, type Classify, type FaultRow } from "@holdfast/core";
import { faultTexts, platformFaults } from "#fault-texts";
import { signalrRows } from "./fault-rows.ts";

const bare = { because: "", remedy: "" };

/** Turns an error of the official client, with what `wire.ts` saw of it, into a fault. Own rows go before ours. */
export function classifySignalR(own: readonly FaultRow[] = []): Classify {
  const ours = signalrRows.map((row) => ({ ...row, ...(faultTexts[row.id] ?? bare) }));
  return faultTable("signalr", [...own, ...ours, ...platformFaults]);
}
