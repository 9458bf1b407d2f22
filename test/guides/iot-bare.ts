import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BareScenario } from "./iot-bare-process.ts";

/** What the official client's process says. */
export interface BareNews {
  readonly what: string;
  readonly detail?: unknown;
}

/** The official device client at work in a process of its own, because it can end its process. */
export interface BareDevice extends Disposable {
  readonly news: readonly BareNews[];
  /** How the process ended; undefined while it runs. */
  readonly exitCode: number | undefined;
  /** Whether it has said so. */
  said(what: string): boolean;
}

/** What it shall do. */
export interface BareJob {
  readonly scenario: BareScenario;
  readonly connectionString: string;
  readonly ca: string;
}

/** Starts it; dispose of the result to end it, whatever it waits for. */
export function runBareDevice(job: BareJob): BareDevice {
  const child = fork(fileURLToPath(new URL("iot-bare-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx"],
    // What it dies of would be printed among the tests' results.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const news: BareNews[] = [];
  let exitCode: number | undefined;
  child.on("message", (one: BareNews) => news.push(one));
  child.on("exit", (code) => {
    exitCode = code ?? -1;
  });
  child.send(job);
  return {
    news,
    get exitCode() {
      return exitCode;
    },
    said: (what) => news.some((one) => one.what === what),
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}
