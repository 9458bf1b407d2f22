/** The messages between the demo and the process that sends. Everything a scenario does, it does through these. */

/** Orders the sending process to begin; it answers with a {@link Report} for each send. */
export interface Job {
  readonly scenario: string;
  readonly connectionString: string;
  /** Orders go to them in turn, each queue through a sender of its own. */
  readonly queues: readonly string[];
  /** Marks the messages of this run, for a queue that holds others too. */
  readonly run: string;
  /** How many messages to send. */
  readonly count: number;
  /** Time between the starts of two sends, in milliseconds; a send does not wait for the one before it. */
  readonly everyMs: number;
}

/** What the caller of `sendMessages` saw. */
export type Report =
  | { readonly type: "sent"; readonly scenario: string; readonly order: number }
  | { readonly type: "settled"; readonly scenario: string; readonly order: number; readonly failed: boolean };

/** Which client a process sends with. */
export const variants = ["bare", "wrapped"] as const;
export type Variant = (typeof variants)[number];

/** The body of an order; `order` is what the ledger is checked by. */
export interface Order {
  readonly run: string;
  readonly order: number;
}
