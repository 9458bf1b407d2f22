/** A simulator that runs until it is told to stop. */
export interface Running {
  /** What to tell the user: addresses and keys. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/** A simulator that the command line can start. */
export interface Command {
  /** Its options, for `--help`. */
  readonly usage: string;
  /** @throws when an argument is not understood */
  run(args: readonly string[]): Promise<Running>;
}

/** Every simulator by its name. Loaded when asked for, so that none pays for another's dependencies. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  "iot-hub": async () => (await import("./iot-hub-command.ts")).iotHubCommand,
  "service-bus": async () => (await import("./service-bus-command.ts")).serviceBusCommand,
  signalr: async () => (await import("./signalr-command.ts")).signalRCommand,
};
