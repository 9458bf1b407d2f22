import type { ResilienceOptions } from "./resilience.ts";

/** What our factories take in addition to the official ones' arguments. */
export interface ClientOptions {
  /**
   * How the client holds. Left out: the defaults. `false`: the official client's own behaviour, unchanged; so does the
   * environment variable `HOLDFAST_BYPASS=1` for every client of the process, for incidents.
   */
  readonly resilience?: ResilienceOptions | false;
}

/** Whether the official client is to be left as it is. */
export function isBypassed(options: ClientOptions): boolean {
  return options.resilience === false || process.env["HOLDFAST_BYPASS"] === "1";
}
