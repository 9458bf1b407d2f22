import type { DropKind, SocketFault } from "../faults/socket-faults.ts";
import { conditions } from "./conditions.ts";
import { texts } from "./texts.ts";

/** The step is refused with an AMQP error, in the form that the step has for it. */
export interface Refusal {
  readonly kind: "refuse";
  readonly condition: string;
  readonly description: string;
  /** Status of a `$cbs` or `$management` response; derived from the condition when absent. */
  readonly statusCode?: number;
}
/** The step is carried out or not, and the client never hears of it; the connection stays up. */
export interface LostAcknowledgement {
  readonly kind: "lose-acknowledgement";
  readonly stored: boolean;
}
/** The step is carried out at once and answered late. */
export interface Delay {
  readonly kind: "delay";
  readonly ms: number;
}
/** The socket is dropped without a word of AMQP. */
export interface DroppedConnection {
  readonly kind: "drop-connection";
  readonly stored: boolean;
  readonly how: DropKind;
}
/** The connection is closed with an AMQP close frame that carries an error. */
export interface ForcedConnectionClose extends Partial<Pick<Refusal, "condition" | "description">> {
  readonly kind: "close-connection";
  readonly stored: boolean;
}
/** The link is detached with an error. */
export interface ForcedDetach extends Partial<Pick<Refusal, "condition" | "description">> {
  readonly kind: "detach";
  readonly stored: boolean;
  /** For step `attach`: milliseconds between the attach and the detach. */
  readonly afterMs: number;
}

/** A request for administration is refused with an HTTP status. */
export interface AdminRefusal {
  readonly kind: "refuse-admin";
  readonly status: number;
  readonly detail: string;
  /** For the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
}

/** The link is attached and then does nothing: no deliveries, no credit, no answers. */
export interface DeafLink {
  readonly kind: "deaf";
}

/** What can break a connection, at any step inside it. */
export type ConnectionFault = DroppedConnection | ForcedConnectionClose;

/** The steps of the fault script and what can go wrong at each. */
export interface ServiceBusFaults {
  /** A TCP connection has been accepted. */
  connect: SocketFault;
  /** The client has sent its AMQP open. */
  open: ConnectionFault | LostAcknowledgement | Delay;
  /** A put-token request has arrived. */
  cbs: Refusal | LostAcknowledgement | Delay | ConnectionFault;
  /** A link to an entity or its `$management` node is being attached. */
  attach: Refusal | LostAcknowledgement | Delay | ForcedDetach | DeafLink | ConnectionFault;
  /**
   * A link asks for a session, by id or the next one. Comes after step `attach`. With `loseAcknowledgement()` the session
   * is locked for a link that never hears of it.
   */
  "accept-session": Refusal | LostAcknowledgement | Delay | ForcedDetach | DeafLink | ConnectionFault;
  /** A transfer (one message or one batch) has arrived. */
  send: Refusal | LostAcknowledgement | Delay | ForcedDetach | ConnectionFault;
  /**
   * A message is about to be delivered to a receiver. `stored: true` delivers it first. `ignore()`: it is locked and
   * never arrives. A late one holds up those behind it.
   */
  deliver: LostAcknowledgement | Delay | ForcedDetach | ConnectionFault;
  /** A receiver asks for its credit to be drained. */
  drain: LostAcknowledgement | Delay | ForcedDetach | ConnectionFault;
  /** A receiver has settled a message on its link. `stored: true` carries it out. */
  settle: Refusal | LostAcknowledgement | Delay | ForcedDetach | ConnectionFault;
  /** A `$management` request has arrived. `stored: true` carries it out. */
  management: Refusal | LostAcknowledgement | Delay | ForcedDetach | ConnectionFault;
  /** A request to prolong message locks has arrived. Comes after step `management`. */
  "renew-lock": Refusal | LostAcknowledgement | Delay | ForcedDetach | ConnectionFault;
  /** A request to prolong a session lock has arrived. Comes after step `management`. */
  "renew-session": Refusal | LostAcknowledgement | Delay | ForcedDetach | ConnectionFault;
  /** A request for administration over HTTP has arrived. */
  admin: AdminRefusal | LostAcknowledgement | Delay | DroppedConnection;
  /** The client has detached a link. */
  detach: LostAcknowledgement | Delay | ConnectionFault;
}

/** A step of the fault script. */
export type ServiceBusStep = keyof ServiceBusFaults;

type Kind = ServiceBusFaults[ServiceBusStep]["kind"];

const socketKinds: readonly Kind[] = ["reset-connection", "accept-then-close", "black-hole", "half-open"];
const breaks: readonly Kind[] = ["drop-connection", "close-connection"];
const answered: readonly Kind[] = ["refuse", "lose-acknowledgement", "delay", ...breaks];

/** Which kinds of fault can happen at which step. */
const possible: Readonly<Record<ServiceBusStep, readonly Kind[]>> = {
  connect: socketKinds,
  open: ["lose-acknowledgement", "delay", ...breaks],
  cbs: answered,
  attach: [...answered, "detach", "deaf"],
  "accept-session": [...answered, "detach", "deaf"],
  send: [...answered, "detach"],
  deliver: ["lose-acknowledgement", "delay", "detach", ...breaks],
  drain: ["lose-acknowledgement", "delay", "detach", ...breaks],
  settle: [...answered, "detach"],
  management: [...answered, "detach"],
  admin: ["refuse-admin", "lose-acknowledgement", "delay", "drop-connection"],
  "renew-lock": [...answered, "detach"],
  "renew-session": [...answered, "detach"],
  detach: ["lose-acknowledgement", "delay", ...breaks],
};

/** Throws for a step that does not exist or a fault that cannot happen there. */
export function assertPossible(step: ServiceBusStep, fault: ServiceBusFaults[ServiceBusStep]): void {
  const kinds = Object.hasOwn(possible, step) ? possible[step] : undefined;
  if (kinds === undefined) {
    throw new TypeError(`faults: unknown step "${step}"; the steps are ${Object.keys(possible).join(", ")}`);
  }
  if (!kinds.includes(fault.kind)) {
    throw new TypeError(
      `faults: "${fault.kind}" cannot happen at step "${step}"; possible are ${kinds.join(", ")}`,
    );
  }
}

function nonNegative(name: string, value: number): number {
  if (!(value >= 0)) throw new RangeError(`${name} must be 0 or more, got ${String(value)}`);
  return value;
}

/**
 * The namespace is throttling: `com.microsoft:server-busy`, "Error code: 50009. Please wait N seconds and try
 * again.". Steps send, settle, attach, cbs, management.
 * @param waitSeconds - the hint in the text. Default 2.
 */
export function serverBusy({ waitSeconds = 2 }: { waitSeconds?: number } = {}): Refusal {
  nonNegative("serverBusy: waitSeconds", waitSeconds);
  return { kind: "refuse", condition: conditions.serverBusy, description: texts.serverBusy(waitSeconds) };
}

/** The step is refused with an AMQP error. Steps send, settle, management. */
export function reject(error: { condition: string; description?: string; statusCode?: number }): Refusal {
  return {
    kind: "refuse",
    condition: error.condition,
    description: error.description ?? "The operation was refused.",
    ...(error.statusCode === undefined ? {} : { statusCode: error.statusCode }),
  };
}

/** A link is refused: attached without a terminus, then detached with this error (AMQP 2.6.3). Step attach. */
export function refuseLink(error: { condition: string; description?: string }): Refusal {
  return reject({ description: "The link was refused.", ...error });
}

/**
 * A link is attached as if all were well, and then carries nothing: a receiver gets no message whatever credit it
 * gives, a sender gets no credit, a request no answer. Steps attach, accept-session.
 */
export function deafLink(): DeafLink {
  return { kind: "deaf" };
}

/**
 * A put-token request is refused. Step cbs.
 * @param error - status defaults to 401, condition to `com.microsoft:auth-failed`
 */
export function refuseToken(
  error: { statusCode?: number; condition?: string; description?: string } = {},
): Refusal {
  return {
    kind: "refuse",
    statusCode: error.statusCode ?? 401,
    condition: error.condition ?? conditions.authFailed,
    description: error.description ?? texts.invalidSignature,
  };
}

/**
 * The client never gets an answer; the connection stays up.
 * @param stored - whether the step was carried out before its answer was lost. Default true.
 */
export function loseAcknowledgement({ stored = true }: { stored?: boolean } = {}): LostAcknowledgement {
  return { kind: "lose-acknowledgement", stored };
}

/** The step is neither carried out nor answered: {@link loseAcknowledgement} with `stored: false`. Any inner step. */
export function ignore(): LostAcknowledgement {
  return { kind: "lose-acknowledgement", stored: false };
}

/** The step is carried out at once, and answered `ms` milliseconds later. */
export function delayAcknowledgement(ms: number): Delay {
  return { kind: "delay", ms: nonNegative("delayAcknowledgement: ms", ms) };
}

/**
 * The connection is dropped below AMQP when the step is reached.
 * @param stored - whether the step is carried out first. Default false.
 * @param how - `reset` (the client sees ECONNRESET) or `fin`. Default `reset`.
 */
export function dropConnection({
  stored = false,
  how = "reset",
}: { stored?: boolean; how?: DropKind } = {}): DroppedConnection {
  return { kind: "drop-connection", stored, how };
}

/**
 * The service closes the AMQP connection when the step is reached.
 * @param stored - whether the step is carried out first. Default false.
 * @param condition - default `amqp:connection:forced`
 */
export function forceConnectionClose({
  stored = false,
  condition = conditions.connectionForced,
  description = texts.connectionForced,
}: { stored?: boolean; condition?: string; description?: string } = {}): ForcedConnectionClose {
  return { kind: "close-connection", stored, condition, description };
}

/**
 * The service detaches the link when the step is reached.
 * @param stored - whether the step is carried out first. Default false.
 * @param condition - default `amqp:link:detach-forced`
 * @param afterMs - at step attach: how long the link lives. Default 0.
 */
export function forceDetach({
  stored = false,
  condition = conditions.detachForced,
  description,
  afterMs = 0,
}: { stored?: boolean; condition?: string; description?: string; afterMs?: number } = {}): ForcedDetach {
  nonNegative("forceDetach: afterMs", afterMs);
  return {
    kind: "detach",
    stored,
    condition,
    afterMs,
    ...(description === undefined ? {} : { description }),
  };
}

/**
 * A request for administration is refused over HTTP. Step admin.
 * @param status - 400 … 599. Default 503.
 * @param detail - what the body says. Default: the service's words for throttling, else the status.
 * @param retryAfterSeconds - the `Retry-After` header. Default none.
 */
export function refuseAdmin({
  status = 503,
  detail = status === 503 || status === 429
    ? `SubCode=50009. ${texts.serverBusy(2)}`
    : `SubCode=${String(status)}00. The request was refused.`,
  retryAfterSeconds,
}: { status?: number; detail?: string; retryAfterSeconds?: number } = {}): AdminRefusal {
  if (!(status >= 400 && status <= 599)) {
    throw new RangeError(`refuseAdmin: status must be between 400 and 599, got ${String(status)}`);
  }
  return {
    kind: "refuse-admin",
    status,
    detail,
    ...(retryAfterSeconds === undefined
      ? {}
      : { retryAfterSeconds: nonNegative("refuseAdmin: retryAfterSeconds", retryAfterSeconds) }),
  };
}
