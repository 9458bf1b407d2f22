import { assertSize, type HubProtocol } from "./hub-protocol.ts";
import type { HubMessage } from "./messages.ts";

/** Ends each record of the JSON protocol, and of the handshake in every protocol. */
export const RECORD_SEPARATOR = 0x1e;
const SEPARATOR = "\u001e";

/** HubProtocol.md, "JSON Encoding": one JSON object a record, several records a frame. */
export const jsonProtocol: HubProtocol = {
  name: "json",
  binary: false,
  maxVersion: 2,
  write: (message) => JSON.stringify(message) + SEPARATOR,
  reader(maxBytes) {
    let rest: Buffer = Buffer.alloc(0);
    return {
      read(bytes) {
        const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        const end = all.lastIndexOf(RECORD_SEPARATOR) + 1;
        rest = all.subarray(end);
        assertSize(rest.length, maxBytes);
        if (end === 0) return [];
        const records = all.toString("utf8", 0, end - 1).split(SEPARATOR);
        return records.map((record) => {
          assertSize(Buffer.byteLength(record), maxBytes);
          return message(record);
        });
      },
    };
  },
};

function message(record: string): HubMessage {
  const value: unknown = JSON.parse(record);
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "number") {
    throw new SyntaxError("Missing required property 'type'.");
  }
  return value as HubMessage;
}
