import type { Controls } from "./controls.ts";

/** A simulator that runs until it is told to stop. */
export interface Running {
  /** What to tell a person: addresses and keys. */
  readonly lines: readonly string[];
  /** The same for programs. */
  readonly addresses: Readonly<Record<string, unknown>>;
  /** What the control endpoint reaches. */
  readonly controls: Controls;
  close(): Promise<void>;
}

/** Options that every simulator takes, for `parseArgs`. */
export const sharedOptions = {
  config: { type: "string" },
  "control-port": { type: "string" },
  json: { type: "boolean" },
} as const;

/** {@link sharedOptions} for `--help`. */
export const sharedUsage = `  --control-port <number>  serves an HTTP endpoint there to arrange faults and to read the journal; 0 is any free port
  --json                 prints one line of JSON when it is ready: addresses, keys, the control endpoint
  --help
`;

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
