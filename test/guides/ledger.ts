import { readFile } from "node:fs/promises";

/** Whoever the row is for; the wrappers' rows must be proved. */
export const wrapper = "client wrapper";

/** One documented fact. */
export interface LedgerRow {
  /** `SB-13`, `SBC-054`, `TH-13`, `SR-31`, `IOT-23`. */
  readonly id: string;
  /** The guide that documents it; see {@link Ledger.files}. */
  readonly file: string;
  /** Who has to act on it, the first above all. */
  readonly actors: readonly string[];
  readonly documented: string;
  /** The guide has an empty section there, and the content is ours. */
  readonly ours?: boolean;
  /** What of it the wrappers do not do, and why, whatever the tests show. */
  readonly fallsShort?: string;
}

/** A claim that is proved for several rows at once. */
export interface Claim {
  readonly id: string;
  readonly claim: string;
  readonly rows: readonly string[];
}

/** What the troubleshooting guides document, as data. */
export interface Ledger {
  /** The guides, by number. */
  readonly files: Readonly<Record<string, string>>;
  readonly claims: readonly Claim[];
  readonly rows: readonly LedgerRow[];
}

/** The ledger of this repository. */
export async function readLedger(): Promise<Ledger> {
  return JSON.parse(await readFile(new URL("ledger.json", import.meta.url), "utf8")) as Ledger;
}
