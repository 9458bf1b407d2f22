import process from "node:process";
import { parseArgs } from "node:util";

/** What the command lines of the chaos runs say. */
export interface ChaosOptions<Client extends string> {
  readonly seeds: number;
  /** In all. */
  readonly messages: number;
  /** The first seed. */
  readonly first: number;
  readonly lanes: number;
  /** What is not settled so many seconds after the last fault is stuck. */
  readonly patience: number;
  /** Whether the messages belong to sessions. */
  readonly sessions: boolean;
  readonly client: Client;
  readonly mutants: boolean;
  readonly json: boolean;
}

/** The usage of a chaos run. @param what - what it does, in a line */
export function usageOf(command: string, clients: readonly string[], what: string): string {
  return `usage: npm run ${command} -- [--seeds N] [--messages M] [--first S] [--client ${clients.join(" | ")}] [--sessions] [--mutants] [--lanes L] [--patience S] [--json]
  ${what} (default 20; with --mutants 120, at most), M messages in all (default 500 a seed).
  A seed repeats the schedule, not the timing of sockets. Exit code 1: something was lost, stuck, or arrived as it must not.
  --sessions (chaos only): the messages belong to sessions, taken by a session processor (the official client: by a loop); their order is looked at, too.
  --patience (chaos only): what is not settled S seconds after the last fault is stuck (default 60). A stuck client does nothing but wait: many lanes go side by side.
  --mutants puts deliberate mistakes of ours through the schedules; each must be caught.`;
}

/** Reads them; ends the process with code 2, and the usage, when they make no sense. */
export function readChaosOptions<Client extends string>(
  clients: readonly Client[],
  usage: string,
): ChaosOptions<Client> {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: "string" },
        messages: { type: "string" },
        first: { type: "string", default: "1" },
        lanes: { type: "string", default: "4" },
        client: { type: "string", default: "wrapped" },
        patience: { type: "string", default: "60" },
        sessions: { type: "boolean", default: false },
        mutants: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const client = clients.find((one) => one === values.client);
    if (client === undefined)
      throw new Error(`--client must be one of ${clients.join(", ")}, got ${values.client}`);
    // A mutant is done with at the first schedule that catches it; the shiest takes its time.
    const seeds = whole("--seeds", values.seeds ?? (values.mutants ? "120" : "20"));
    return {
      ...values,
      client,
      seeds,
      messages: whole("--messages", values.messages ?? String(seeds * 500)),
      first: whole("--first", values.first),
      lanes: whole("--lanes", values.lanes),
      patience: whole("--patience", values.patience),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${name} must be a whole number of 1 or more, got ${text}`);
  return value;
}
