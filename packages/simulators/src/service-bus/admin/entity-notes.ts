import type { KeptProperties } from "./kept-properties.ts";
import type { Lifetime } from "./lifetimes.ts";

/** What a description says of an entity that the entity itself does not know. */
export interface EntityNotes {
  readonly lifetime: Lifetime;
  /** When a client last used it, in milliseconds since the epoch; undefined when none did. */
  readonly accessedAt: number | undefined;
  readonly kept: KeptProperties;
  /** The address of another entity, as clients know it: `sb://host/entity`. */
  readonly resource: (path: string) => string;
  /** Whether this is the answer to its creation, which says nothing yet of use and numbers. */
  readonly isNew: boolean;
  /** Whether the version of the interface that was asked for has what came with large messages: 2021-05. */
  readonly knowsLargeMessages: boolean;
}
