import type { ServiceBusSessionReceiverOptions as OfficialOptions } from "@azure/service-bus";

/** The official options of `acceptSession`, and ours. */
export interface ServiceBusSessionReceiverOptions extends OfficialOptions {
  /**
   * When somebody else holds the session: reject with `SessionCannotBeLocked`, as the official client does (`"fail"`, the
   * default), or try again until the client's `timeoutInMs` is over (`"wait"`). Only for `acceptSession`.
   */
  readonly whenHeld?: "fail" | "wait";
}

/** The arguments of `acceptSession` and `acceptNextSession`, read. */
export interface SessionArguments {
  readonly entity: string;
  readonly subscriptionName: string | undefined;
  /** Undefined: the next that is free. */
  readonly sessionId: string | undefined;
  readonly options: ServiceBusSessionReceiverOptions;
}

type Options = ServiceBusSessionReceiverOptions | undefined;

/** What follows the queue or topic in `acceptSession`: a subscription or not, the session's id, options. */
export type AcceptRest =
  | readonly [sessionId: string, options?: Options]
  | readonly [subscriptionName: string, sessionId: string, options?: Options];

/** What follows the queue or topic in `acceptNextSession`. */
export type AcceptNextRest =
  readonly [options?: Options] | readonly [subscriptionName: string, options?: Options];

/** With the official client's words. @throws Error when there is no session's id: the service would give the next one. */
export function sessionById(entity: string, [first, second, third]: AcceptRest): SessionArguments {
  if (typeof first !== "string") throw new Error("Unhandled set of parameters");
  return typeof second === "string"
    ? { entity, subscriptionName: first, sessionId: second, options: third ?? {} }
    : { entity, subscriptionName: undefined, sessionId: first, options: second ?? {} };
}

export function nextSession(entity: string, [first, second]: AcceptNextRest): SessionArguments {
  return typeof first === "string"
    ? { entity, subscriptionName: first, sessionId: undefined, options: second ?? {} }
    : { entity, subscriptionName: undefined, sessionId: undefined, options: first ?? {} };
}
