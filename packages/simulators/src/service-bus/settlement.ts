import type { TypedPairs } from "./amqp-types.ts";
import type { Disposition, SettledEntry } from "./journal-entries.ts";

/** What a client wants done with a locked message. */
export interface Settlement {
  readonly disposition: Exclude<Disposition, "lock-expired">;
  /** Application properties to add or replace. */
  readonly properties?: TypedPairs;
  readonly via: SettledEntry["via"];
  readonly connection: number | undefined;
}
