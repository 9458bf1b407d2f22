import type { FaultRow } from "@holdfast/core";
import { signalrRows } from "./fault-rows.ts";
import { faultTexts, platformFaults } from "./fault-texts.ts";

/**
 * What goes wrong with SignalR and what it means, texts included, specific before general. Ids are rows of the documented
 * ledger. In Node the client uses these; a browser's bundle has the ids and kinds alone, and takes the texts when these
 * rows are given as the option `faults`.
 */
export const signalrFaults: readonly FaultRow[] = [
  ...signalrRows.map((row) => ({ ...row, ...(faultTexts[row.id] ?? { because: row.id, remedy: "" }) })),
  ...platformFaults,
];
