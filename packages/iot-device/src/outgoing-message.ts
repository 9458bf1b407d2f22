import { randomUUID } from "node:crypto";
import { officialPackage, type Message } from "./official.ts";

/**
 * A copy of the caller's message with a `messageId` that stays the same however often it is sent: the hub does not remove
 * duplicates, whoever reads the events can. Made once a call; the caller's object is never written to, so one object sent
 * twice is two messages.
 *
 * Its JSON is empty, because the official transports turn each message into JSON for a debug line that is hardly ever read;
 * a Buffer of 64 KB takes milliseconds for that.
 */
export class OutgoingMessage extends officialPackage.Message {
  constructor(message: Message) {
    super(message.data as Buffer);
    this.messageId = message.messageId || randomUUID();
    this.to = message.to;
    this.expiryTimeUtc = message.expiryTimeUtc as unknown;
    this.correlationId = message.correlationId;
    this.userId = message.userId;
    this.ack = message.ack;
    this.contentType = message.contentType;
    this.contentEncoding = message.contentEncoding;
    this.interfaceId = message.interfaceId;
    const given = message.properties;
    for (let index = 0; index < given.count(); index += 1) {
      const { key, value } = given.getItem(index);
      this.properties.add(key, value);
    }
  }

  toJSON(): undefined {
    return undefined;
  }
}
