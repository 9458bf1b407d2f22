import type { HubProtocol } from "./hub-protocol.ts";
import { jsonProtocol, RECORD_SEPARATOR } from "./json-protocol.ts";
import { messagePackProtocol } from "./message-pack-protocol.ts";

const protocols: readonly HubProtocol[] = [jsonProtocol, messagePackProtocol];

/** What a client's first record asked for, and the bytes that came behind it. */
export type Handshake =
  | { readonly protocol: HubProtocol; readonly version: number; readonly rest: Buffer }
  | { readonly error: string; readonly protocol?: HubProtocol };

/** Reads the handshake, always JSON; undefined while it is incomplete. */
export function readHandshake(bytes: Buffer, allowed: readonly string[]): Handshake | undefined {
  const end = bytes.indexOf(RECORD_SEPARATOR);
  if (end < 0) return undefined;
  let asked: { protocol?: unknown; version?: unknown };
  try {
    asked = JSON.parse(bytes.toString("utf8", 0, end)) as typeof asked;
  } catch {
    return { error: "An unexpected error occurred during connection handshake." };
  }
  const { protocol: name, version } = asked;
  if (typeof name !== "string" || typeof version !== "number") {
    return { error: "An unexpected error occurred during connection handshake." };
  }
  const protocol = protocols.find((candidate) => candidate.name === name);
  if (protocol === undefined || !allowed.includes(name)) {
    return { error: `The protocol '${name}' is not supported.` };
  }
  if (version > protocol.maxVersion) {
    return {
      protocol,
      error: `The server does not support version ${String(version)} of the '${name}' protocol.`,
    };
  }
  return { protocol, version, rest: bytes.subarray(end + 1) };
}

/** The answer to a handshake: empty, or an error. */
export function handshakeAnswer(error?: string): string {
  return `${JSON.stringify(error === undefined ? {} : { error })}${String.fromCharCode(RECORD_SEPARATOR)}`;
}
