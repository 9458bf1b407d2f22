import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What the official receiver shall do. */
export type BareReceiverJob = { readonly connectionString: string; readonly queue: string } & (
  | { readonly kind: "handle"; readonly handleMs: number; readonly maxConcurrentCalls?: number }
  | {
      readonly kind: "receive";
      readonly count: number;
      readonly maxWaitTimeInMs: number;
      /** Completes what came. */
      readonly complete?: boolean;
    }
);

/** What it tells. */
export type BareReceiverReport =
  | { readonly event: "handling"; readonly body: unknown }
  | { readonly event: "error"; readonly source: string; readonly message: string }
  | { readonly event: "received"; readonly count: number; readonly ms: number }
  | { readonly event: "settled" };

/** The official receiver at the same work as ours, in a process of its own; dispose of it to end it. */
export interface BareReceiver extends Disposable {
  readonly reports: readonly BareReceiverReport[];
}

export function runBareReceiver(job: BareReceiverJob): BareReceiver {
  const child = fork(fileURLToPath(new URL("bare-receiver-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const reports: BareReceiverReport[] = [];
  child.on("message", (report: BareReceiverReport) => reports.push(report));
  child.send(job);
  return { reports, [Symbol.dispose]: () => void child.kill("SIGKILL") };
}
