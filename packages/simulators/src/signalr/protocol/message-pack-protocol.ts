import { Decoder, Encoder } from "@msgpack/msgpack";
import { assertSize, type HubProtocol } from "./hub-protocol.ts";
import type { HubMessage, MessageHeaders } from "./messages.ts";

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder();

const ERROR_RESULT = 1;
const VOID_RESULT = 2;
const NON_VOID_RESULT = 3;

/** HubProtocol.md, "MessagePack (MsgPack) encoding": the fields of each message in order. */
function fields(message: HubMessage): unknown[] {
  switch (message.type) {
    case 1:
      return [
        1,
        message.headers ?? {},
        message.invocationId ?? null,
        message.target,
        message.arguments,
        message.streamIds ?? [],
      ];
    case 2:
      return [2, {}, message.invocationId, message.item];
    case 3:
      if (message.error !== undefined) return [3, {}, message.invocationId, ERROR_RESULT, message.error];
      return message.result === undefined
        ? [3, {}, message.invocationId, VOID_RESULT]
        : [3, {}, message.invocationId, NON_VOID_RESULT, message.result];
    case 4:
      return [4, {}, message.invocationId, message.target, message.arguments, message.streamIds ?? []];
    case 5:
      return [5, {}, message.invocationId];
    case 6:
      return [6];
    case 7:
      return message.allowReconnect === undefined
        ? [7, message.error ?? null]
        : [7, message.error ?? null, message.allowReconnect];
    case 8:
      return [8, message.sequenceId];
    case 9:
      return [9, message.sequenceId];
  }
}

function message(payload: Uint8Array): HubMessage | undefined {
  const values = decoder.decode(payload);
  if (!Array.isArray(values)) throw new SyntaxError("Reading array length for 'message' failed.");
  const [type, second, third, fourth, fifth, sixth] = values as unknown[];
  const headers = second as MessageHeaders;
  switch (type) {
    case 1:
    case 4: {
      const call = { target: fourth as string, arguments: fifth as unknown[], headers };
      const streamIds = (sixth ?? []) as string[];
      return type === 4
        ? { type, ...call, invocationId: third as string, streamIds }
        : { type, ...call, streamIds, ...(third == null ? {} : { invocationId: third as string }) };
    }
    case 2:
      return { type, invocationId: third as string, item: fourth };
    case 3: {
      const ended = { type, invocationId: third as string } as const;
      if (fourth === ERROR_RESULT) return { ...ended, error: fifth as string };
      return fourth === NON_VOID_RESULT ? { ...ended, result: fifth } : ended;
    }
    case 5:
      return { type, invocationId: third as string };
    case 6:
      return { type };
    case 7:
      return { type, ...(second == null ? {} : { error: second as string }) };
    case 8:
    case 9:
      return { type, sequenceId: second as number };
    default:
      // A later version of the protocol may have more types; they are to be ignored.
      return undefined;
  }
}

/** The length of a message and of the prefix itself; undefined while the prefix is incomplete. */
function prefixAt(bytes: Buffer, offset: number): { length: number; size: number } | undefined {
  let length = 0;
  for (let size = 0; size < 5; size += 1) {
    const byte = bytes[offset + size];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 2 ** (7 * size);
    if ((byte & 0x80) === 0) return { length, size: size + 1 };
  }
  throw new SyntaxError("Messages over 2GB in size are not supported.");
}

function prefix(length: number): number[] {
  const bytes: number[] = [];
  let rest = length;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return bytes;
}

/** HubProtocol.md, "MessagePack (MsgPack) encoding": each message behind its length, seven bits a byte. */
export const messagePackProtocol: HubProtocol = {
  name: "messagepack",
  binary: true,
  maxVersion: 2,
  write(given) {
    const payload = encoder.encode(fields(given));
    return Buffer.concat([Buffer.from(prefix(payload.length)), payload]);
  },
  reader(maxBytes) {
    let rest: Buffer = Buffer.alloc(0);
    return {
      read(bytes) {
        const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        const messages: HubMessage[] = [];
        let offset = 0;
        for (;;) {
          const found = prefixAt(all, offset);
          if (found !== undefined) assertSize(found.length, maxBytes);
          if (found === undefined || offset + found.size + found.length > all.length) break;
          const start = offset + found.size;
          offset = start + found.length;
          const parsed = message(all.subarray(start, offset));
          if (parsed !== undefined) messages.push(parsed);
        }
        rest = all.subarray(offset);
        return messages;
      },
    };
  },
};
