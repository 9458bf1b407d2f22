import type { TypedPairs } from "./amqp-types.ts";
import type { DeadLetterCause } from "./dead-letter.ts";
import type { Disposition } from "./journal-entries.ts";

/** What a client wants done with a locked message. */
export interface Settlement {
  readonly disposition: Exclude<Disposition, "lock-expired" | "deleted">;
  /** Application properties to add or replace. */
  readonly properties?: TypedPairs;
  /** Why it is to be dead-lettered. */
  readonly cause?: DeadLetterCause;
  readonly via: "link" | "management" | "http";
  readonly connection: number | undefined;
}

/** The end of a lock that no client asked for. */
export interface Release {
  readonly disposition: Extract<Disposition, "lock-expired" | "released">;
  readonly via: "broker";
}
