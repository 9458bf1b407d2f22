import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Tally } from "./tally.ts";
import { variants, type Job, type Report, type Variant } from "./work.ts";

/** The two processes of the clients, and what they report. */
export class Senders {
  readonly #processes = new Map<Variant, ChildProcess>();
  readonly #tallies = new Map<string, Tally>();
  readonly #ended = new Set<Variant>();

  constructor() {
    for (const variant of variants) {
      // Its own output would tear the progress display; what it has to say comes as reports.
      const child = fork(fileURLToPath(new URL("client-process.ts", import.meta.url)), [variant], {
        silent: true,
      });
      child.on("message", (report: Report) => {
        this.tally(variant, report.scenario).take(report);
      });
      child.on("error", () => this.#ended.add(variant)); // A job that no longer reached it, after Ctrl-C.
      child.on("exit", () => this.#ended.add(variant));
      this.#processes.set(variant, child);
    }
  }

  start(variant: Variant, job: Job): void {
    this.#processes.get(variant)?.send(job);
  }

  tally(variant: Variant, scenario: string): Tally {
    const key = `${variant} ${scenario}`;
    const found = this.#tallies.get(key) ?? new Tally();
    this.#tallies.set(key, found);
    return found;
  }

  /** Whether the process is gone, e.g. because the client brought it down. */
  isGone(variant: Variant): boolean {
    return this.#ended.has(variant);
  }

  /** Ends both, whatever they are doing. */
  kill(): void {
    for (const child of this.#processes.values()) child.kill("SIGKILL");
  }
}
