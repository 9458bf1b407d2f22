/** Which outcomes of a cloud-to-device message its sender wants to hear of. */
export type CommandAck = "none" | "positive" | "negative" | "full";

/** A cloud-to-device message as a service gives it. */
export interface CommandContent {
  readonly body: Buffer;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly userId?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly to?: string;
  readonly ack?: CommandAck;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A cloud-to-device message in a device's queue. */
export interface Command extends CommandContent {
  readonly messageId: string;
  readonly ack: CommandAck;
  readonly expiresAt: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly sequenceNumber: number;
  /** Milliseconds since the Unix epoch. */
  readonly enqueuedAt: number;
  /** Deliveries so far. */
  deliveryCount: number;
}
