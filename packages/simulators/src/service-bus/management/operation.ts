import type { BrokerConnection } from "../connection.ts";
import type { Node } from "../entities.ts";
import type { Destination } from "../entity.ts";
import type { ServiceBusStep } from "../faults.ts";
import type { Claim } from "../options.ts";
import type { MessageQueue } from "../queue.ts";
import type { Subscription } from "../subscription.ts";
import type { SessionLock } from "../session-lock.ts";
import { conditions } from "../conditions.ts";
import { texts } from "../texts.ts";

/** A request, as an operation sees it. */
export interface OperationRequest<Entity> {
  readonly entity: Entity;
  readonly connection: BrokerConnection;
  readonly body: Readonly<Record<string, unknown>>;
  /** The link whose messages or session it is about, if the client names one. */
  readonly linkName: string | undefined;
}

/** What an operation answers; a condition makes it an error. */
export interface OperationResult {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly condition?: string;
  readonly description?: string;
}

/** One operation of the `$management` node. */
export interface Operation<Entity> {
  /** The right it needs on the entity. */
  readonly claim: Claim;
  /** The step of the fault script that is this operation's own. */
  readonly step?: Extract<ServiceBusStep, "renew-lock" | "renew-session">;
  /** The part of the node that it works on; undefined when the node has none. */
  on(node: Node): Entity | undefined;
  perform(request: OperationRequest<Entity>): OperationResult;
}

/** An operation, as the `$management` node calls it. */
export interface NodeOperation extends Pick<Operation<unknown>, "claim" | "step"> {
  /** Undefined when the node has nothing that the operation works on. */
  perform(node: Node, request: Omit<OperationRequest<unknown>, "entity">): OperationResult | undefined;
}

/** Finds the part of the node that the operation works on. */
export function forNodes<Entity>(operation: Operation<Entity>): NodeOperation {
  const { claim, step } = operation;
  return {
    claim,
    ...(step === undefined ? {} : { step }),
    perform(node, request) {
      const entity = operation.on(node);
      return entity === undefined ? undefined : operation.perform({ ...request, entity });
    },
  };
}

/** For operations on what clients receive from. */
export function onQueue(node: Node): MessageQueue | undefined {
  return node.queue;
}

/** For operations on what clients send to. */
export function onDestination(node: Node): Destination | undefined {
  return node.destination;
}

/** For operations on the rules of a subscription. */
export function onSubscription(node: Node): Subscription | undefined {
  return node.subscription;
}

/** The request lacks something; the service answers 400. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}

/** The session that the request names is not held by the link it names; the service answers 410. */
export class SessionLost extends Error {
  override readonly name = "SessionLost";
}

/** A string in the body, if there is one. */
export function textIn(body: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = body[field];
  return typeof value === "string" ? value : undefined;
}

/**
 * The lock on the session that the request names, or undefined when it names none.
 * @throws BadRequest when it must name one, or must not; SessionLost
 */
export function sessionOf(
  { entity, body, linkName }: OperationRequest<MessageQueue>,
  isRequired: boolean,
): SessionLock | undefined {
  const id = textIn(body, "session-id");
  if (id === undefined && !isRequired) return undefined;
  if (id === undefined) throw new BadRequest("The request carries no 'session-id'.");
  if (entity.sessions === undefined) throw new BadRequest(texts.sessionNotSupported);
  const lock = entity.sessions.heldBy(id, linkName);
  if (lock === undefined) throw new SessionLost(texts.sessionLockLost);
  return lock;
}

/** The answer when a message lock is lost. */
export const lockLost: OperationResult = {
  status: 410,
  condition: conditions.messageLockLost,
  description: texts.lockLost,
};

/** A list of UUIDs in the body. @throws BadRequest */
export function lockTokensIn(body: Readonly<Record<string, unknown>>): Buffer[] {
  const tokens = body["lock-tokens"];
  if (!Array.isArray(tokens) || !tokens.every((token): token is Buffer => Buffer.isBuffer(token))) {
    throw new BadRequest("The request carries no 'lock-tokens'.");
  }
  return tokens;
}

/** A list of sequence numbers in the body. @throws BadRequest */
export function sequenceNumbersIn(body: Readonly<Record<string, unknown>>): number[] {
  const numbers = body["sequence-numbers"];
  if (!Array.isArray(numbers)) throw new BadRequest("The request carries no 'sequence-numbers'.");
  return numbers.map(longOf);
}

/** A long: rhea gives those beyond 2^53 as 8 bytes. */
export function longOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (Buffer.isBuffer(value) && value.length === 8) return Number(value.readBigInt64BE());
  throw new BadRequest("A number was expected.");
}
