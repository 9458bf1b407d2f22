import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ServiceBusMessage } from "@azure/service-bus";
import { queue, type FailingService, type Scenario } from "./scenarios.ts";

/** What the official client shall send. */
export interface BareJob {
  readonly connectionString: string;
  readonly queue: string;
  /** Each by a call of its own, all at once. */
  readonly messages: readonly ServiceBusMessage[];
  /** Names under `.holdfast.test` resolve only after so many milliseconds. */
  readonly resolvesAfterMs?: number;
}

/** How one call of the official client ended. */
export interface BareReport {
  readonly settledMs: number;
  readonly error?: { readonly name: string; readonly message: string; readonly code: string | undefined };
}

/** The official client at the same work as ours, in a process of its own. */
export interface BareRun extends Disposable {
  /** The calls that have settled so far. */
  readonly reports: readonly BareReport[];
  /** Calls that have not. */
  readonly pending: number;
  /** Resolves when all have settled or the process ended. */
  readonly done: Promise<void>;
}

function bareProcess(): ChildProcess {
  return fork(fileURLToPath(new URL("bare-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

/** A process with the official client that has loaded it: what fails for a few seconds has not failed before it begins. */
export async function loadedBareProcess(): Promise<ChildProcess> {
  const child = bareProcess();
  await once(child, "message");
  return child;
}

/** Starts it; dispose of the result to end it, whatever it waits for. */
export function runBare(
  { messages, resolvesAfterMs }: Scenario,
  { connectionString }: FailingService,
  child = bareProcess(),
): BareRun {
  const job: BareJob = {
    ...{ connectionString, queue, messages },
    ...(resolvesAfterMs === undefined ? {} : { resolvesAfterMs }),
  };
  const reports: BareReport[] = [];
  const done = new Promise<void>((resolve) => {
    child.on("exit", () => resolve());
    child.on("message", (report: BareReport | "loaded") => {
      if (report === "loaded") return;
      reports.push(report);
      if (reports.length === job.messages.length) resolve();
    });
  });
  child.send(job);
  return {
    reports,
    get pending() {
      return job.messages.length - reports.length;
    },
    done,
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}
