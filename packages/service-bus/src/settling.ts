import type { DeadLetterOptions, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";

/** What the official settlements take as further properties. */
export type PropertiesToModify = Record<string, number | boolean | string | Date | null>;

/** How a message is settled. */
export interface Settling {
  readonly disposition: "complete" | "abandon" | "defer" | "deadLetter";
  /** The disposition with all that goes with it: equal for settlements that are the same. */
  readonly what: string;
  readonly perform: (receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) => Promise<void>;
}

/** The four settlements of the official receiver. */
export const settlings = {
  complete: {
    disposition: "complete",
    what: "complete",
    perform: (receiver, message) => receiver.completeMessage(message),
  } satisfies Settling as Settling,
  abandon: (properties?: PropertiesToModify): Settling => ({
    disposition: "abandon",
    what: words("abandon", properties),
    perform: (receiver, message) => receiver.abandonMessage(message, properties),
  }),
  defer: (properties?: PropertiesToModify): Settling => ({
    disposition: "defer",
    what: words("defer", properties),
    perform: (receiver, message) => receiver.deferMessage(message, properties),
  }),
  deadLetter: (options?: DeadLetterOptions & PropertiesToModify): Settling => ({
    disposition: "deadLetter",
    what: words("deadLetter", options),
    perform: (receiver, message) => receiver.deadLetterMessage(message, options),
  }),
};

function words(disposition: string, properties: object | undefined): string {
  return properties === undefined ? disposition : `${disposition} ${JSON.stringify(properties)}`;
}
