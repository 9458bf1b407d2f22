import { AdminError, adminErrors } from "../admin/admin-error.ts";
import type { AdminAnswer, AdminRequest } from "../admin/requests.ts";
import type { Broker } from "../broker.ts";
import type { Consumer } from "../consumer.ts";
import { isReceivable, isSendable } from "../entity.ts";
import type { MessageLock } from "../lock.ts";
import { lockTokenText } from "../lock-token.ts";
import { MessageContent } from "../message-format.ts";
import type { Claim } from "../options.ts";
import type { MessageQueue } from "../queue.ts";
import type { StoredMessage } from "../stored-message.ts";
import { texts } from "../texts.ts";
import { bodyOf, encode, headersOf, userProperties, type RestMessage } from "./broker-properties.ts";

/** Where the messages of an entity are sent to and received from over HTTP. */
export interface MessageAddress {
  readonly entity: string;
  /** `head`: the next message; a lock token: that message; undefined: where messages are sent to. */
  readonly which: "head" | { readonly lockToken: string } | undefined;
}

const JSON_BATCH = "application/vnd.microsoft.servicebus.json";
const PLACE = { connection: 0, link: 0, linkName: "$http" };

/** What a path says of messages; undefined when it is of something else. */
export function messageAddressOf(path: string): MessageAddress | undefined {
  const match = /^\/*([^/].*?)\/messages(?:\/(head)|\/[^/]+\/([^/]+))?\/*$/i.exec(path);
  if (match === null) return undefined;
  const [, entity = "", head, lockToken] = match as (string | undefined)[];
  const which = head === undefined ? (lockToken === undefined ? undefined : { lockToken }) : "head";
  return { entity, which };
}

/** The right that a request needs. */
export function claimOf({ which }: MessageAddress): Claim {
  return which === undefined ? "Send" : "Listen";
}

interface Received {
  readonly message: StoredMessage;
  readonly lock: MessageLock | undefined;
}

/** Sends and receives over HTTP: the run-time part of the service's REST interface. Every method throws AdminError. */
export class MessageRequests {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async answer(request: AdminRequest, { entity, which }: MessageAddress): Promise<AdminAnswer> {
    const { method, url, gone } = request;
    if (which === undefined) {
      if (method !== "POST") throw adminErrors.notAllowed(method);
      return this.#send(request, entity);
    }
    const queue = this.#queue(entity);
    if (which === "head") {
      if (method !== "POST" && method !== "DELETE") throw adminErrors.notAllowed(method);
      const seconds = Number(url.searchParams.get("timeout") ?? "60");
      const received = await this.#receive(queue, method === "POST", seconds * 1_000, gone);
      if (received === undefined) return { status: 204, body: "" };
      const { message, lock } = received;
      const token = lock && lockTokenText(lock.token);
      const location = `${url.origin}/${queue.path}/messages/${String(message.sequenceNumber)}/${token ?? ""}`;
      return {
        status: lock === undefined ? 200 : 201,
        body: bodyOf(message.content),
        headers: { ...headersOf(message, lock), ...(lock === undefined ? {} : { Location: location }) },
      };
    }
    return this.#settle(queue, method, which.lockToken);
  }

  #send({ headers, rawHeaders, bytes }: AdminRequest, entity: string): AdminAnswer {
    const destination = this.#broker.node(entity)?.destination;
    if (destination === undefined) throw this.#notFound(entity);
    const contentType = headers["content-type"];
    const brokerHeader = headers["brokerproperties"];
    const isBatch = contentType?.toLowerCase().startsWith(JSON_BATCH) === true;
    const given: RestMessage[] = isBatch
      ? batchOf(bytes)
      : [
          {
            body: bytes,
            contentType,
            broker: parsed(typeof brokerHeader === "string" ? brokerHeader : "{}"),
            user: userProperties(rawHeaders),
          },
        ];
    const messages = given.map((message) => {
      const encoded = encode(message);
      return { content: MessageContent.decode(encoded), bytes: encoded.length, connection: PLACE.connection };
    });
    const { path, settings, requiresSession, sizeBytes } = destination;
    const size = messages.reduce((sum, message) => sum + message.bytes, 0);
    if (!isSendable(destination))
      throw new AdminError(403, texts.entityDisabled(this.#broker.resource(path)));
    if (size > settings.maxMessageSizeBytes) {
      throw new AdminError(403, texts.messageTooLarge(0, size, settings.maxMessageSizeBytes));
    }
    if (requiresSession && messages.some(({ content }) => content.sessionId === undefined)) {
      throw new AdminError(400, texts.sessionIdMissing);
    }
    if (sizeBytes + size > settings.maxSizeBytes) {
      throw new AdminError(403, texts.entityFull(path, settings.maxSizeBytes, sizeBytes));
    }
    if (!this.#broker.throttle.admitMessages(messages.length)) throw adminErrors.throttled(2);
    const { clock, ledgers, accesses } = this.#broker;
    accesses.set(path, clock.wallNow());
    const messageIds = messages.map(({ content }) => content.messageId);
    ledgers.attempts.add({
      at: clock.now(),
      ...PLACE,
      entity: path,
      deliveryId: 0,
      bytes: size,
      batch: isBatch,
      messages: messages.length,
      messageIds,
      sessionIds: messages.map(({ content }) => content.sessionId),
      partitionKeys: messages.map(({ content }) => content.partitionKey),
      outcome: "accepted",
    });
    for (const message of messages) destination.enqueue(message);
    ledgers.accepted.add({ at: clock.now(), ...PLACE, entity: path, deliveryId: 0, messageIds });
    return { status: 201, body: "" };
  }

  #queue(entity: string): MessageQueue {
    const queue = this.#broker.node(entity)?.queue;
    if (queue === undefined) throw this.#notFound(entity);
    if (queue.sessions !== undefined) throw new AdminError(400, texts.sessionRequired);
    if (!isReceivable(queue)) throw new AdminError(403, texts.entityDisabled(this.#broker.resource(entity)));
    return queue;
  }

  /** The next message, as soon as there is one; undefined when none came in time, or while the client was there. */
  async #receive(
    queue: MessageQueue,
    locks: boolean,
    waitMs: number,
    gone: AbortSignal,
  ): Promise<Received | undefined> {
    const { clock, ledgers, timers, accesses } = this.#broker;
    const received = await new Promise<Received | undefined>((resolve) => {
      let credit = 1;
      const end = (result: Received | undefined): void => {
        credit = 0;
        cancelWait();
        queue.distribution.removeConsumer(consumer);
        resolve(result);
      };
      const consumer: Consumer = {
        locks,
        get credit() {
          return credit;
        },
        deliver(message, lock) {
          end({ message, lock });
        },
      };
      const cancelWait = timers.after(waitMs, () => {
        end(undefined);
      });
      // It may have been gone before anybody listened.
      if (gone.aborted) end(undefined);
      else {
        gone.addEventListener("abort", () => {
          end(undefined);
        });
        queue.distribution.addConsumer(consumer);
      }
    });
    if (received === undefined) return undefined;
    accesses.set(queue.path, clock.wallNow());
    const { message, lock } = received;
    ledgers.delivered.add({
      at: clock.now(),
      ...PLACE,
      entity: queue.path,
      sequenceNumber: message.sequenceNumber,
      messageId: message.messageId,
      deliveryCount: message.deliveryCount,
      lockToken: lock && lockTokenText(lock.token),
    });
    return received;
  }

  #settle(queue: MessageQueue, method: string, lockToken: string): AdminAnswer {
    const token = Buffer.from(lockToken.replaceAll("-", ""), "hex");
    const { connection } = PLACE;
    const isDone =
      method === "POST"
        ? queue.renewLock(token) !== undefined
        : method === "DELETE"
          ? queue.settle(token, { disposition: "completed", via: "http", connection })
          : method === "PUT"
            ? queue.settle(token, { disposition: "abandoned", via: "http", connection })
            : undefined;
    if (isDone === undefined) throw adminErrors.notAllowed(method);
    if (!isDone) throw new AdminError(404, texts.lockLost);
    return { status: 200, body: "" };
  }

  #notFound(entity: string): AdminError {
    return new AdminError(404, `40400: Endpoint not found., Resource:${this.#broker.resource(entity)}.`);
  }
}

function parsed(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Answered below.
  }
  throw new AdminError(400, `40000: The BrokerProperties could not be read as JSON: '${json}'.`);
}

function textOfBody(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body ?? "");
}

/** A batch: an array of `{ Body, BrokerProperties, UserProperties }`. */
function batchOf(bytes: Buffer): RestMessage[] {
  const entries: unknown = Object.values(parsed(bytes.toString("utf8")));
  return (entries as readonly Readonly<Record<string, unknown>>[]).map((entry) => ({
    body: Buffer.from(textOfBody(entry["Body"])),
    contentType: undefined,
    broker: (entry["BrokerProperties"] ?? {}) as RestMessage["broker"],
    user: (entry["UserProperties"] ?? {}) as RestMessage["user"],
  }));
}
