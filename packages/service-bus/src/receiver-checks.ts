import type { MessageHandlers } from "@azure/service-bus";

/** With the official client's words. @throws TypeError */
export function assertHandlers(handlers: MessageHandlers): void {
  const given = handlers as Partial<MessageHandlers> | undefined;
  if (typeof given?.processMessage === "function" && typeof given.processError === "function") return;
  throw new TypeError('Invalid "MessageHandlers" provided.');
}

/** With the official client's words. @throws TypeError */
export function assertCount(maxMessageCount: unknown): void {
  if (maxMessageCount === undefined || maxMessageCount === null) {
    throw new TypeError('Missing parameter "maxMessageCount"');
  }
  if (typeof maxMessageCount !== "number") {
    throw new TypeError('The parameter "maxMessageCount" should be of type "number"');
  }
  if (!(maxMessageCount >= 1)) throw new TypeError("'maxMessageCount' must be a number greater than 0.");
}
