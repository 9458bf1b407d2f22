import type { ServiceBusSessionReceiverOptions as OfficialOptions } from "@azure/service-bus";
import type { FaultKind } from "@holdfast/core";

/** The official options of `acceptSession`, and ours. */
export interface ServiceBusSessionReceiverOptions extends OfficialOptions {
  /**
   * When somebody else holds the session: reject with `SessionCannotBeLocked`, as the official client does (`"fail"`, the
   * default), or try again until the client's `timeoutInMs` is over (`"wait"`). Only for `acceptSession`.
   */
  readonly whenHeld?: "fail" | "wait";
}

/** How somebody who accepts one session after the other takes part in an accept: a session processor, not a user. */
export interface AcceptTurn {
  /** Asked before each attempt; false ends the accept as an abort does. */
  mayTry(): boolean;
  /** An attempt failed, so many by now, and may be repeated. */
  failed(error: unknown, kind: FaultKind, failures: number): void;
}

/** What may be given to an accept. */
interface AcceptOptions extends ServiceBusSessionReceiverOptions {
  readonly turn?: AcceptTurn;
}

/** The arguments of `acceptSession` and `acceptNextSession`, read. */
export interface SessionArguments {
  readonly entity: string;
  readonly subscriptionName: string | undefined;
  /** Undefined: the next that is free. */
  readonly sessionId: string | undefined;
  readonly options: AcceptOptions;
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
