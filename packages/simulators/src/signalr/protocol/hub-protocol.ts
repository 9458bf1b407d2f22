import type { HubMessage } from "./messages.ts";

/** Turns the bytes of one connection into messages; remembers what is incomplete. */
export interface MessageReader {
  /** @throws when the bytes are no messages */
  read(bytes: Buffer): HubMessage[];
}

/** An encoding of hub messages. */
export interface HubProtocol {
  readonly name: "json" | "messagepack";
  /** Whether its messages travel in binary WebSocket frames; server-sent events cannot carry those. */
  readonly binary: boolean;
  readonly maxVersion: number;
  write(message: HubMessage): string | Buffer;
  reader(): MessageReader;
}
