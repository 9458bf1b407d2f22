import type { FaultRow } from "@holdfast/core";
import type { FaultText } from "./fault-texts.ts";

/** In a browser's bundle the texts are left out: ids and kinds decide, and `@holdfast/signalr/faults` has the rest. */
export const faultTexts: Readonly<Record<string, FaultText>> = {};

/** Codes of the operating system are never seen there. */
export const platformFaults: readonly FaultRow[] = [];
