import { named } from "../hub-error.ts";
import type { HubMessage } from "./messages.ts";

/** Turns the bytes of one connection into messages; remembers what is incomplete. */
export interface MessageReader {
  /** @throws when the bytes are no messages */
  read(bytes: Buffer): HubMessage[];
}

/** What ASP.NET Core throws at a message that is too large. */
export function assertSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw named(
    "InvalidDataException",
    `The maximum message size of ${String(maxBytes)}B was exceeded. The message size can be configured in AddHubOptions.`,
  );
}

/** An encoding of hub messages. */
export interface HubProtocol {
  readonly name: "json" | "messagepack";
  /** Whether its messages travel in binary WebSocket frames; server-sent events cannot carry those. */
  readonly binary: boolean;
  readonly maxVersion: number;
  write(message: HubMessage): string | Buffer;
  /** @param maxBytes - how large a message may be */
  reader(maxBytes: number): MessageReader;
}
