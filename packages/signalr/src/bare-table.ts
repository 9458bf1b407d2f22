import { faultLookup, retryAfter, type BareRow, type Classify, type FaultRow } from "@holdfast/core";
import { signalrRows } from "./fault-rows.ts";

const otherwise: BareRow = { id: "unknown", kind: "unknown", match: {}, sent: "maybe" };

/**
 * The table of a page: ids and kinds decide, `@holdfast/signalr/faults` has the texts. Codes of the operating system are
 * never seen there.
 */
export function signalrTable(own: readonly FaultRow[]): Classify {
  return faultLookup("signalr", [...own, ...signalrRows], { otherwise, hint: retryAfter });
}
