import type { BrokerConnection } from "../connection.ts";
import type { Claim } from "../options.ts";
import type { MessageQueue } from "../queue.ts";

/** A request, as an operation sees it. */
export interface OperationRequest {
  readonly queue: MessageQueue;
  readonly connection: BrokerConnection;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What an operation answers; a condition makes it an error. */
export interface OperationResult {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly condition?: string;
  readonly description?: string;
}

/** One operation of the `$management` node. */
export interface Operation {
  /** The right it needs on the entity. */
  readonly claim: Claim;
  perform(request: OperationRequest): OperationResult;
}

/** The request lacks something; the service answers 400. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}

/** A list of UUIDs in the body. @throws BadRequest */
export function lockTokensIn(body: OperationRequest["body"]): Buffer[] {
  const tokens = body["lock-tokens"];
  if (!Array.isArray(tokens) || !tokens.every((token): token is Buffer => Buffer.isBuffer(token))) {
    throw new BadRequest("The request carries no 'lock-tokens'.");
  }
  return tokens;
}

/** A list of sequence numbers in the body. @throws BadRequest */
export function sequenceNumbersIn(body: OperationRequest["body"]): number[] {
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
