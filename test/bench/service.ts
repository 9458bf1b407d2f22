import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The service, in a process of its own. */
export interface RunningService extends AsyncDisposable {
  readonly connectionString: string;
  /** Empties its journal, which would fill the memory. */
  forget(): void;
}

/** Starts a simulator whose acceptances are held back for so long, in milliseconds. */
export async function startService(acknowledgementDelayMs = 0): Promise<RunningService> {
  const file = fileURLToPath(new URL("simulator-process.ts", import.meta.url));
  const child: ChildProcess = fork(file, [String(acknowledgementDelayMs)]);
  const connectionString = await new Promise<string>((resolve) =>
    child.once("message", (text: string) => resolve(text)),
  );
  return {
    connectionString,
    forget: () => child.send("forget"),
    [Symbol.asyncDispose]: () => {
      child.disconnect();
      return Promise.resolve();
    },
  };
}
