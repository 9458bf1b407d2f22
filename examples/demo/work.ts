/** The messages between the demo and the process of a client. Everything a scenario does, it does through these. */

/** What the clients are for. */
export type ServiceName = "service-bus" | "iot-hub" | "signalr";

/** Where a client works, and at what. */
export type Target =
  | {
      readonly service: "service-bus";
      readonly connectionString: string;
      /** Orders go to them in turn, each queue through a sender of its own. */
      readonly queues: readonly string[];
    }
  | {
      readonly service: "iot-hub";
      readonly connectionString: string;
      /** What the hub's certificate is checked by, in PEM. */
      readonly ca: string;
      /** Whether the device sends the orders, or receives them. */
      readonly work: "telemetry" | "commands";
    }
  | {
      readonly service: "signalr";
      /** Of the hub that takes the orders. */
      readonly url: string;
    };

/** Orders the process to begin; it answers with a {@link Report} for each order. */
export interface Job {
  readonly scenario: string;
  readonly target: Target;
  /** Marks the messages of this run, for a queue that holds others too. */
  readonly run: string;
  /** How many messages to send. */
  readonly count: number;
  /** Time between the starts of two sends, in milliseconds; a send does not wait for the one before it. */
  readonly everyMs: number;
}

/** What the application on top of the client saw. */
export type Report =
  | { readonly type: "ready"; readonly scenario: string }
  | { readonly type: "sent"; readonly scenario: string; readonly order: number }
  | { readonly type: "settled"; readonly scenario: string; readonly order: number; readonly failed: boolean };

/** Which client a process works with. */
export const variants = ["bare", "wrapped"] as const;
export type Variant = (typeof variants)[number];

/** The body of an order; `order` is what the ledger is checked by. */
export interface Order {
  readonly run: string;
  readonly order: number;
}
