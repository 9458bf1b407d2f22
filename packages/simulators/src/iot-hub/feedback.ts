import type { SimulatorClock } from "../clock.ts";
import type { Command } from "./command.ts";
import type { Identity } from "./identity.ts";
import { ServiceQueue } from "./service-queue.ts";

/** What became of a cloud-to-device message, in the words of feedback. */
export type FeedbackStatus = "Success" | "Expired" | "DeliveryCountExceeded" | "Rejected" | "Purged";

/** One record of a feedback message. https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d#message-feedback */
export interface FeedbackRecord {
  readonly originalMessageId: string;
  readonly description: string;
  readonly deviceGenerationId: string;
  readonly deviceId: string;
  readonly enqueuedTimeUtc: string;
  readonly statusCode: FeedbackStatus;
}

const descriptions: Readonly<Record<FeedbackStatus, string>> = {
  Success: "Success",
  Expired: "Message expired",
  DeliveryCountExceeded: "Maximum delivery count exceeded",
  Rejected: "Message rejected",
  Purged: "Message purged",
};

/** Feedback for services, kept until one receives it. The service gathers records for 15 s; here each goes at once. */
export class Feedback extends ServiceQueue<readonly FeedbackRecord[]> {
  readonly #clock: SimulatorClock;

  constructor(clock: SimulatorClock) {
    super();
    this.#clock = clock;
  }

  /** Reports the end of a message, when its sender asked for that kind of end. */
  report(command: Command, status: FeedbackStatus, identity: Identity): void {
    const wanted = status === "Success" ? ["positive", "full"] : ["negative", "full"];
    if (!wanted.includes(command.ack)) return;
    this.push([
      {
        originalMessageId: command.messageId,
        description: descriptions[status],
        deviceGenerationId: identity.generationId,
        deviceId: identity.deviceId,
        enqueuedTimeUtc: new Date(this.#clock.wallNow()).toISOString(),
        statusCode: status,
      },
    ]);
  }
}
