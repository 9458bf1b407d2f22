import { faultTable, type Classify, type FaultRow } from "@holdfast/core";
import { signalrFaults } from "./faults.ts";

/** The table with all its texts. */
export function signalrTable(own: readonly FaultRow[]): Classify {
  return faultTable("signalr", [...own, ...signalrFaults]);
}
