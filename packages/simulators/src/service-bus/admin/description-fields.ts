import type { EntityStatus } from "../entity-options.ts";
import { adminErrors } from "./admin-error.ts";
import { durationMs, timeSpanText } from "./duration.ts";
import { textOf, type Elements } from "./xml.ts";

const COUNTS = "http://schemas.microsoft.com/netservices/2011/06/servicebus";

/** Numbers of messages, as every description with messages has them. */
export interface MessageCounts {
  readonly active: number;
  readonly deadLetters: number;
  readonly scheduled: number;
  readonly transferDeadLetters: number;
}

/** `CountDetails`, in the service's order. */
export function countDetails({
  active,
  deadLetters,
  scheduled,
  transferDeadLetters,
}: MessageCounts): Elements {
  return {
    "@xmlns:d2p1": COUNTS,
    "d2p1:ActiveMessageCount": String(active),
    "d2p1:DeadLetterMessageCount": String(deadLetters),
    "d2p1:ScheduledMessageCount": String(scheduled),
    "d2p1:TransferMessageCount": "0",
    "d2p1:TransferDeadLetterMessageCount": String(transferDeadLetters),
  };
}

/** Reads the fields of a description. Each throws AdminError 400 when a field cannot be read. */
export class DescriptionFields {
  readonly #elements: Elements;

  constructor(elements: Elements) {
    this.#elements = elements;
  }

  text(name: string): string | undefined {
    const text = textOf(this.#elements, name);
    return text === "" ? undefined : text;
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text !== "true" && text !== "false") throw this.#unreadable(name, text);
    return text === "true";
  }

  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^\d+$/.test(text)) throw this.#unreadable(name, text);
    return Number(text);
  }

  duration(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = durationMs(text);
    if (ms === undefined) throw this.#unreadable(name, text);
    return ms;
  }

  lockDuration(): number | undefined {
    const ms = this.duration("LockDuration");
    if (ms !== undefined && ms > 300_000) {
      const why = "The supplied lock time exceeds the allowed maximum of '5' minutes.";
      throw adminErrors.outOfRange(why, "LockDuration", timeSpanText(ms));
    }
    return ms;
  }

  maxDeliveryCount(): number | undefined {
    const count = this.integer("MaxDeliveryCount");
    if (count === 0) {
      const why = "The value supplied must be greater than or equal to '1'.";
      throw adminErrors.outOfRange(why, "MaxDeliveryCount", "0");
    }
    return count;
  }

  /** The largest size. A new entity of sixteen partitions is sixteen times as large as it was asked to be. */
  megabytes(isNew: boolean): number | undefined {
    const megabytes = this.integer("MaxSizeInMegabytes");
    return isNew && this.boolean("EnablePartitioning") === true ? (megabytes ?? 1_024) * 16 : megabytes;
  }

  status(): EntityStatus | undefined {
    return this.text("Status") as EntityStatus | undefined;
  }

  /** The name of an entity that is given as `sb://host/name`. */
  entity(name: string): string | undefined {
    return this.text(name)?.replace(/^[a-z]+:\/\/[^/]*\//i, "");
  }

  #unreadable(name: string, text: string): Error {
    return adminErrors.badRequest(`The value '${text}' of the property '${name}' is invalid.`);
  }
}

/** Without the fields that are undefined. */
export function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]: NonNullable<Fields[Name]>;
  };
}
