import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { HttpTransportType } from "@microsoft/signalr";

/** What the official client shall do. */
export interface BareSignalRJob {
  readonly url: string;
  /** Default: the client's own choice. */
  readonly transport?: HttpTransportType;
  /** With `withAutomaticReconnect()`; a list is its delays. Default: without. */
  readonly automaticReconnect?: true | readonly number[];
  /** Calls `Echo` so often, one after the other, once started. */
  readonly echoEveryMs?: number;
  /** So many connections, started one after the other and never stopped. Default 1. */
  readonly connections?: number;
}

/** What happened to it. */
export interface BareSignalRReport {
  readonly what:
    "started" | "start-failed" | "reconnecting" | "reconnected" | "closed" | "echoed" | "echo-failed";
  readonly atMs: number;
  /** The state it shows then. */
  readonly state: string;
  readonly error?: { readonly message: string; readonly statusCode: number | null };
}

/** The official client at work in a process of its own. */
export interface BareSignalRRun extends Disposable {
  readonly reports: readonly BareSignalRReport[];
  of(what: BareSignalRReport["what"]): readonly BareSignalRReport[];
  /** Resolves with the report that makes the condition true. */
  until(condition: (report: BareSignalRReport) => boolean): Promise<BareSignalRReport>;
}

/** Starts it; dispose of the result to end it, whatever it waits for. */
export function runBareSignalR(job: BareSignalRJob): BareSignalRRun {
  const child = fork(fileURLToPath(new URL("signalr-bare-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const reports: BareSignalRReport[] = [];
  const waiting = new Set<(report: BareSignalRReport) => void>();
  child.on("message", (report: BareSignalRReport) => {
    reports.push(report);
    for (const one of [...waiting]) one(report);
  });
  child.send(job);
  return {
    reports,
    of: (what) => reports.filter((report) => report.what === what),
    until: (condition) =>
      new Promise((resolve) => {
        const present = reports.find(condition);
        if (present !== undefined) {
          resolve(present);
          return;
        }
        const look = (report: BareSignalRReport): void => {
          if (!condition(report)) return;
          waiting.delete(look);
          resolve(report);
        };
        waiting.add(look);
      }),
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}
