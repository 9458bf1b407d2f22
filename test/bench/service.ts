import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The service, in a process of its own. */
export interface RunningService extends AsyncDisposable {
  readonly connectionString: string;
  /** Empties its journal and its queues, which would fill the memory; resolves when it is done. */
  forget(): Promise<void>;
}

/** Starts a simulator whose acceptances are held back for so long, in milliseconds. */
export async function startService(acknowledgementDelayMs = 0): Promise<RunningService> {
  const file = fileURLToPath(new URL("simulator-process.ts", import.meta.url));
  const child: ChildProcess = fork(file, [String(acknowledgementDelayMs)]);
  const said = (): Promise<string> => new Promise((resolve) => child.once("message", resolve));
  const connectionString = await said();
  return {
    connectionString,
    async forget() {
      child.send("forget");
      await said();
    },
    [Symbol.asyncDispose]: () => {
      child.disconnect();
      return Promise.resolve();
    },
  };
}
