import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { Attempt } from "@holdfast/core";
import type { EntityConnection } from "./entity-connection.ts";
import { Lock } from "./lock.ts";

/** The lock on one message. */
export class MessageLock extends Lock {
  readonly #connection: EntityConnection;
  readonly #message: ServiceBusReceivedMessage;

  constructor(connection: EntityConnection, message: ServiceBusReceivedMessage) {
    super(connection.entityPath);
    this.#connection = connection;
    this.#message = message;
  }

  renew(attempt: Attempt): Promise<Date> {
    return this.#connection.renew(this.#message, attempt);
  }

  rotate(): void {
    this.#connection.rotateCalls();
  }
}
