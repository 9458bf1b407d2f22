import { randomUUID } from "node:crypto";
import type { Command, CommandContent } from "./command.ts";
import type { FeedbackStatus } from "./feedback.ts";
import type { Hub } from "./hub.ts";
import { hubErrors } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";
import type { Identity } from "./identity.ts";
import type { CommandOutcome, HubProtocol } from "./journal-entries.ts";

/** Where a queue delivers to: one device's link or subscription. */
export interface CommandConsumer {
  readonly connection: number | undefined;
  readonly protocol: HubProtocol;
  /** Whether it can take a message now. */
  readonly isReady: boolean;
  deliver(delivery: CommandDelivery): void;
}

/** A message that is locked for whom it was delivered to. */
export interface CommandDelivery {
  readonly command: Command;
  readonly lockToken: string;
}

/** How a device settles a message. */
export type CommandSettlement = "completed" | "rejected" | "abandoned";

interface Lock {
  readonly command: Command;
  readonly consumer: CommandConsumer | undefined;
  readonly connection: number | undefined;
  readonly cancel: () => void;
}

const feedbackOf: Partial<Record<CommandOutcome, FeedbackStatus>> = {
  completed: "Success",
  rejected: "Rejected",
  expired: "Expired",
  "delivery-count-exceeded": "DeliveryCountExceeded",
  purged: "Purged",
};

/** Messages to one device, with peek-lock. https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d */
export class CommandQueue {
  readonly #hub: Hub;
  readonly #identity: Identity;
  #waiting: Command[] = [];
  readonly #locks = new Map<string, Lock>();
  #consumer: CommandConsumer | undefined;
  #isPumping = false;

  constructor(hub: Hub, identity: Identity) {
    this.#hub = hub;
    this.#identity = identity;
  }

  /** Messages in the queue, locked ones included. */
  get depth(): number {
    return this.#waiting.length + this.#locks.size;
  }

  /** @throws HubFailure 403004 when the queue is full */
  enqueue(content: CommandContent): Command {
    const { settings, clock, ledgers } = this.#hub;
    if (this.depth >= settings.cloudToDevice.maxQueueDepth) {
      this.#hub.writeLog("C2DCommands", "messageSend", this.#identity.key, hubErrors.queueFull);
      throw new HubFailure(
        hubErrors.queueFull,
        `Device Queue depth cannot exceed ${String(settings.cloudToDevice.maxQueueDepth)} messages`,
      );
    }
    const now = clock.wallNow();
    const command: Command = {
      ...content,
      messageId: content.messageId ?? randomUUID(),
      ack: content.ack ?? "none",
      expiresAt: content.expiresAt ?? now + settings.cloudToDevice.defaultTtlMs,
      properties: content.properties ?? {},
      sequenceNumber: this.#hub.nextCommandNumber(),
      enqueuedAt: now,
      deliveryCount: 0,
    };
    ledgers.commands.add({
      at: clock.now(),
      device: this.#identity.key,
      messageId: command.messageId,
      sequenceNumber: command.sequenceNumber,
      ack: command.ack,
    });
    this.#waiting.push(command);
    this.#hub.timers.after(Math.max(0, command.expiresAt - now), () => {
      this.#expire(command);
    });
    this.pump();
    return command;
  }

  /** Where messages go from now on; the former consumer's messages come back. */
  attach(consumer: CommandConsumer): void {
    if (this.#consumer !== undefined) this.detach(this.#consumer);
    this.#consumer = consumer;
    this.pump();
  }

  /** The consumer is gone; what it had not settled comes back to the queue. */
  detach(consumer: CommandConsumer): void {
    if (this.#consumer === consumer) this.#consumer = undefined;
    for (const [token, lock] of [...this.#locks]) {
      if (lock.consumer === consumer) this.#giveBack(token, "connection-lost");
    }
  }

  /** Delivers as long as there is something to deliver and someone to take it. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      for (;;) {
        const consumer = this.#consumer;
        if (consumer?.isReady !== true) return;
        const delivery = this.#lockNext(consumer, consumer.connection);
        if (delivery === undefined) return;
        consumer.deliver(delivery);
      }
    } finally {
      this.#isPumping = false;
    }
  }

  /** The next message, locked; for HTTPS, where devices ask. */
  take(): CommandDelivery | undefined {
    return this.#lockNext(undefined, undefined);
  }

  /** @throws HubFailure 412002 when the lock is not held any more */
  settle(lockToken: string, how: CommandSettlement): void {
    const lock = this.#locks.get(lockToken);
    if (lock === undefined) throw new HubFailure(hubErrors.lockLost);
    if (how === "abandoned") this.#giveBack(lockToken, "abandoned");
    else {
      this.#unlock(lockToken);
      this.#end(lock.command, how, lock.connection);
    }
    this.pump();
  }

  /** Removes every message. @returns how many */
  purge(): number {
    const commands = [...this.#waiting, ...[...this.#locks.values()].map(({ command }) => command)];
    this.#waiting = [];
    for (const token of [...this.#locks.keys()]) this.#unlock(token);
    for (const command of commands) this.#end(command, "purged", undefined);
    return commands.length;
  }

  #lockNext(
    consumer: CommandConsumer | undefined,
    connection: number | undefined,
  ): CommandDelivery | undefined {
    const command = this.#waiting.shift();
    if (command === undefined) return undefined;
    command.deliveryCount += 1;
    const lockToken = randomUUID();
    const cancel = this.#hub.timers.after(this.#hub.settings.cloudToDevice.lockDurationMs, () => {
      this.#giveBack(lockToken, "lock-expired");
      this.pump();
    });
    this.#locks.set(lockToken, { command, consumer, connection, cancel });
    this.#hub.ledgers.delivered.add({
      at: this.#hub.clock.now(),
      device: this.#identity.key,
      connection,
      protocol: consumer?.protocol ?? "https",
      messageId: command.messageId,
      sequenceNumber: command.sequenceNumber,
      deliveryCount: command.deliveryCount,
    });
    return { command, lockToken };
  }

  #unlock(lockToken: string): Lock | undefined {
    const lock = this.#locks.get(lockToken);
    lock?.cancel();
    this.#locks.delete(lockToken);
    return lock;
  }

  #giveBack(lockToken: string, because: CommandOutcome): void {
    const lock = this.#unlock(lockToken);
    if (lock === undefined) return;
    const { command, connection } = lock;
    this.#journal(command, because, connection);
    if (command.deliveryCount >= this.#hub.settings.cloudToDevice.maxDeliveryCount) {
      this.#end(command, "delivery-count-exceeded", connection);
    } else if (command.expiresAt <= this.#hub.clock.wallNow()) {
      this.#end(command, "expired", connection);
    } else {
      // Back to its place: the queue is in the order of the sequence numbers.
      const index = this.#waiting.findIndex((other) => other.sequenceNumber > command.sequenceNumber);
      this.#waiting.splice(index < 0 ? this.#waiting.length : index, 0, command);
    }
  }

  #expire(command: Command): void {
    const index = this.#waiting.indexOf(command);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#end(command, "expired", undefined);
  }

  #journal(command: Command, outcome: CommandOutcome, connection: number | undefined): void {
    this.#hub.ledgers.settled.add({
      at: this.#hub.clock.now(),
      device: this.#identity.key,
      messageId: command.messageId,
      sequenceNumber: command.sequenceNumber,
      deliveryCount: command.deliveryCount,
      outcome,
      connection,
    });
  }

  #end(command: Command, outcome: CommandOutcome, connection: number | undefined): void {
    this.#journal(command, outcome, connection);
    const status = feedbackOf[outcome];
    if (status === undefined) return;
    if (status === "Expired" || status === "DeliveryCountExceeded") {
      const name = status === "Expired" ? "MessageExpired" : status;
      this.#hub.writeLog("C2DCommands", "messageExpired", this.#identity.key, { code: undefined, name });
    }
    this.#hub.feedback.report(command, status, this.#identity);
  }
}
