import {
  codec,
  mergePairs,
  pairsOf,
  pairsToObject,
  textOf,
  type Typed,
  type TypedPairs,
} from "./amqp-types.ts";
import {
  HEADER,
  DELIVERY_ANNOTATIONS,
  MESSAGE_ANNOTATIONS,
  PROPERTIES,
  APPLICATION_PROPERTIES,
  DATA,
  SEQUENCE,
  VALUE,
  FOOTER,
  contentOf,
  sections,
  type Section,
} from "./message-sections.ts";

// AMQP 3.2.4: the places of what Service Bus uses.
const PLACES = {
  messageId: 0,
  to: 2,
  subject: 3,
  replyTo: 4,
  correlationId: 5,
  contentType: 6,
  sessionId: 10,
  replyToSessionId: 12,
} as const;

/** A property of the message itself. */
export type OwnProperty = keyof typeof PLACES;
function numberAt(list: readonly Typed[], index: number): number | undefined {
  const value = list[index] === undefined ? undefined : codec.unwrap(list[index]);
  return typeof value === "number" ? value : undefined;
}

function stringAt(list: readonly Typed[], index: number): string | undefined {
  return textOf(list[index] === undefined ? undefined : codec.unwrap(list[index]));
}

/**
 * A message as the client encoded it. What the broker does not own (properties, application properties, body,
 * footer) keeps its very bytes and types; a JavaScript view would turn a long into an int on the way out.
 */
export class MessageContent {
  readonly annotations: TypedPairs;
  readonly applicationProperties: TypedPairs;
  readonly #header: readonly Typed[];
  readonly #properties: readonly Typed[];
  readonly #body: readonly Section[];
  readonly #footer: Buffer | undefined;

  private constructor(parts: {
    header: readonly Typed[];
    annotations: TypedPairs;
    properties: readonly Typed[];
    applicationProperties: TypedPairs;
    body: readonly Section[];
    footer: Buffer | undefined;
  }) {
    this.#header = parts.header;
    this.annotations = parts.annotations;
    this.#properties = parts.properties;
    this.applicationProperties = parts.applicationProperties;
    this.#body = parts.body;
    this.#footer = parts.footer;
  }

  /** @throws MalformedMessage */
  static decode(payload: Buffer): MessageContent {
    const all = sections(payload);
    const listOf = (code: number): readonly Typed[] => pairsOf(all.find((one) => one.code === code)?.value);
    return new MessageContent({
      header: listOf(HEADER),
      annotations: listOf(MESSAGE_ANNOTATIONS),
      properties: listOf(PROPERTIES),
      applicationProperties: listOf(APPLICATION_PROPERTIES),
      body: all.filter((section) => section.code >= DATA && section.code <= VALUE),
      footer: all.find((one) => one.code === FOOTER)?.bytes,
    });
  }

  /** The message-id property as text; undefined when the client gave none. */
  get messageId(): string | undefined {
    return stringAt(this.#properties, PLACES.messageId);
  }

  /** The group-id property: the session. */
  get sessionId(): string | undefined {
    return stringAt(this.#properties, PLACES.sessionId);
  }

  get correlationId(): string | undefined {
    return stringAt(this.#properties, PLACES.correlationId);
  }

  get subject(): string | undefined {
    return stringAt(this.#properties, PLACES.subject);
  }

  get to(): string | undefined {
    return stringAt(this.#properties, PLACES.to);
  }

  get replyTo(): string | undefined {
    return stringAt(this.#properties, PLACES.replyTo);
  }

  get contentType(): string | undefined {
    return stringAt(this.#properties, PLACES.contentType);
  }

  /** The reply-to-group-id property: the session that answers go to. */
  get replyToSessionId(): string | undefined {
    return stringAt(this.#properties, PLACES.replyToSessionId);
  }

  get partitionKey(): string | undefined {
    return textOf(this.annotation("x-opt-partition-key"));
  }

  /** Milliseconds; undefined when the message lives for ever. AMQP 3.2.1. */
  get timeToLiveMs(): number | undefined {
    return numberAt(this.#header, 2);
  }

  /** When the message is to be enqueued, in milliseconds since the epoch. */
  get scheduledEnqueueTime(): number | undefined {
    const value = this.annotation("x-opt-scheduled-enqueue-time");
    return value instanceof Date ? value.getTime() : typeof value === "number" ? value : undefined;
  }

  annotation(name: string): unknown {
    // Looked for in every message, and few have any.
    return this.annotations.length === 0 ? undefined : pairsToObject(this.annotations)[name];
  }

  /** The application properties as plain values. */
  get applicationPropertyValues(): Record<string, unknown> {
    return pairsToObject(this.applicationProperties);
  }

  /** The bytes of the data sections joined; undefined when the body is a value or a sequence. */
  get bodyBytes(): Buffer | undefined {
    const [first, ...more] = this.#body.filter((section) => section.code === DATA);
    if (first === undefined) return undefined;
    return more.length === 0 ? contentOf(first) : Buffer.concat([first, ...more].map(contentOf));
  }

  /** The body as a reader would want it: JSON parsed, other data as bytes, a value as itself. */
  get body(): unknown {
    const bytes = this.bodyBytes;
    if (bytes !== undefined) {
      try {
        return JSON.parse(bytes.toString("utf8")) as unknown;
      } catch {
        return bytes;
      }
    }
    const values = this.#body.map((section) => codec.unwrap(section.value));
    // AMQP 3.2.7: several sequence sections are one list.
    return this.#body[0]?.code === SEQUENCE ? values.flat() : values[0];
  }

  /** A copy with application properties added or replaced, as dead-lettering and abandoning do. */
  withApplicationProperties(pairs: TypedPairs): MessageContent {
    if (pairs.length === 0) return this;
    return this.#with({ applicationProperties: mergePairs(this.applicationProperties, pairs) });
  }

  /** A copy without an application property; the name is case-insensitive. */
  withoutApplicationProperty(name: string): MessageContent {
    const wanted = name.toLowerCase();
    const applicationProperties = this.applicationProperties.filter((_, index, pairs) => {
      const key = pairs[index - (index % 2)];
      return String(key?.value).toLowerCase() !== wanted;
    });
    return this.#with({ applicationProperties });
  }

  /** A copy with a property of the message itself set, or removed. */
  withOwnProperty(name: OwnProperty, value: string | undefined): MessageContent {
    const properties: Typed[] = Array.from(
      { length: Math.max(this.#properties.length, PLACES[name] + 1) },
      (_, index) => this.#properties[index] ?? codec.Null(),
    );
    properties[PLACES[name]] = value === undefined ? codec.Null() : codec.wrap_string(value);
    return this.#with({ properties });
  }

  #with(changed: { applicationProperties?: TypedPairs; properties?: readonly Typed[] }): MessageContent {
    return new MessageContent({
      header: this.#header,
      annotations: this.annotations,
      properties: this.#properties,
      applicationProperties: this.applicationProperties,
      body: this.#body,
      footer: this.#footer,
      ...changed,
    });
  }

  /** The message as the broker sends it: its own header, annotations and message id, the rest untouched. */
  encode(broker: {
    readonly deliveryCount: number;
    /** How long the message lives, if not for ever: as its sender or its entity says, whichever is less. */
    readonly timeToLiveMs?: number | undefined;
    readonly deliveryAnnotations?: TypedPairs;
    readonly annotations: TypedPairs;
    readonly messageId: string;
    readonly omitBody?: boolean;
  }): Buffer {
    const writer = new codec.Writer();
    const put = (code: number, value: Typed): void => {
      writer.write(codec.described(codec.wrap_ulong(code), value));
    };
    put(
      HEADER,
      codec.wrap_list([
        this.#header[0] ?? null,
        this.#header[1] ?? null,
        broker.timeToLiveMs === undefined ? (this.#header[2] ?? null) : codec.wrap_uint(broker.timeToLiveMs),
        this.#header[3] ?? null,
        // AMQP 3.2.1: the number of unsuccessful previous attempts, so 0 at first.
        codec.wrap_uint(broker.deliveryCount),
      ]),
    );
    const { deliveryAnnotations = [] } = broker;
    if (deliveryAnnotations.length > 0) put(DELIVERY_ANNOTATIONS, codec.Map32(deliveryAnnotations));
    put(MESSAGE_ANNOTATIONS, codec.Map32(mergePairs(this.annotations, broker.annotations)));
    const properties = [...this.#properties];
    // The service gives an id to a message that came without; the official client cannot settle one that has none.
    if (this.messageId === undefined) properties[0] = codec.wrap_string(broker.messageId);
    put(PROPERTIES, codec.wrap_list(properties));
    if (this.applicationProperties.length > 0) {
      put(APPLICATION_PROPERTIES, codec.Map32(this.applicationProperties));
    }
    const body = broker.omitBody === true ? [] : this.#body.map((section) => section.bytes);
    return Buffer.concat([writer.toBuffer(), ...body, ...(this.#footer === undefined ? [] : [this.#footer])]);
  }
}
