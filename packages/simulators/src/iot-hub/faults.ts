import type { DropKind, SocketFault } from "../faults/socket-faults.ts";
import { hubErrors, type ConnackCode, type HubError } from "./hub-error.ts";

/**
 * The step is refused with an error of the hub, in the form of the transport: a status over HTTPS and in twin
 * answers, a condition over AMQP, a return code in a CONNACK. MQTT has no way to refuse a message: the
 * connection is closed.
 */
export interface HubRefusal {
  readonly kind: "refuse";
  readonly error: HubError;
}
/** A CONNACK with this return code, then the end of the connection. MQTT 3.2.2.3. */
export interface RefusedConnection {
  readonly kind: "refuse-connection";
  readonly returnCode: ConnackCode;
}
/** The step is carried out or not, and the client never hears of it; the connection stays up. */
export interface LostAnswer {
  readonly kind: "lose-acknowledgement";
  readonly stored: boolean;
}
/** The step is carried out at once and answered late. */
export interface LateAnswer {
  readonly kind: "delay";
  readonly ms: number;
}
/** The socket is dropped without a word of the protocol. */
export interface DroppedHubConnection {
  readonly kind: "drop-connection";
  readonly stored: boolean;
  readonly how: DropKind;
}
/** AMQP: the connection is closed with an error. MQTT and HTTPS have no such thing: the socket is closed. */
export interface ClosedHubConnection {
  readonly kind: "close-connection";
  readonly stored: boolean;
  readonly condition: string;
  readonly description: string;
}
/** AMQP: the link is detached with an error. MQTT and HTTPS have no links: the socket is closed. */
export interface DetachedHubLink {
  readonly kind: "detach";
  readonly stored: boolean;
  readonly condition: string;
  readonly description: string;
}
/** The hub has forgotten the MQTT session: its subscriptions, and that a message was under way. */
export interface ForgottenSession {
  readonly kind: "forget-session";
}
/** What goes to the device goes more than once. */
export interface Duplicated {
  readonly kind: "duplicate";
  readonly times: number;
}
/** What goes to the device cannot be understood. */
export interface Malformed {
  readonly kind: "malformed";
  /** `empty`: no body; `garbage`: a body that is not JSON; `topic`: an MQTT topic without its request id. */
  readonly what: "empty" | "garbage" | "topic";
  /** Status of a twin answer. */
  readonly status: number;
}

/** What can break a connection, at any step inside it. */
export type HubConnectionFault = DroppedHubConnection | ClosedHubConnection | DetachedHubLink;
type Answered = HubRefusal | LostAnswer | LateAnswer | HubConnectionFault;
type Pushed = LostAnswer | LateAnswer | HubConnectionFault | Duplicated | Malformed;

/** The steps of the fault script and what can go wrong at each. An entity is a device id, or `device/module`. */
export interface IotHubFaults {
  /** A TCP connection has been accepted, on any port but the blob endpoint's. */
  connect: SocketFault;
  /** MQTT: a CONNECT packet has arrived. */
  connack: RefusedConnection | ForgottenSession | Answered;
  /** MQTT: a SUBSCRIBE packet has arrived. */
  subscribe: Answered;
  /** MQTT: an UNSUBSCRIBE packet has arrived. */
  unsubscribe: Answered;
  /** MQTT: a PINGREQ packet has arrived. */
  ping: LostAnswer | LateAnswer | HubConnectionFault;
  /** AMQP: the client has sent its open. */
  open: LostAnswer | LateAnswer | HubConnectionFault;
  /** AMQP: a put-token request has arrived. */
  cbs: Answered;
  /** AMQP: a link is being attached. */
  attach: Answered;
  /** A device-to-cloud message (over HTTPS: or a batch) has arrived. */
  send: Answered;
  /** A cloud-to-device message is about to go to a device; over HTTPS, a device asks for one. */
  deliver: Pushed | HubRefusal;
  /** A device has settled a cloud-to-device message. */
  settle: Answered;
  /** A device reads its twin. */
  "twin-get": Answered | Malformed;
  /** A device updates its reported properties. */
  "twin-update": Answered | Malformed;
  /** A change of desired properties is about to go to a device. */
  desired: Pushed;
  /** A method call is about to go to a device. */
  method: Pushed;
  /** A device has answered a method call. */
  "method-response": LostAnswer | LateAnswer | HubConnectionFault;
  /** HTTPS: a device begins a file upload. */
  upload: Answered;
  /** HTTPS: a device reports the end of a file upload. */
  "upload-notify": Answered;
  /** A request to the blob endpoint has arrived. */
  blob: Answered;
  /** HTTPS: a request of a service (registry, twins, methods) has arrived. */
  service: Answered;
  /** AMQP: a service sends a message to a device. */
  "service-send": Answered;
}

/** A step of the fault script. */
export type IotHubStep = keyof IotHubFaults;
type Kind = IotHubFaults[IotHubStep]["kind"];

const breaks: readonly Kind[] = ["drop-connection", "close-connection", "detach"];
const unanswered: readonly Kind[] = ["lose-acknowledgement", "delay", ...breaks];
const answered: readonly Kind[] = ["refuse", ...unanswered];
const pushed: readonly Kind[] = [...unanswered, "duplicate", "malformed"];

const possible: Readonly<Record<IotHubStep, readonly Kind[]>> = {
  connect: ["reset-connection", "accept-then-close", "black-hole", "half-open"],
  connack: [...answered, "refuse-connection", "forget-session"],
  subscribe: answered,
  unsubscribe: answered,
  ping: unanswered,
  open: unanswered,
  cbs: answered,
  attach: answered,
  send: answered,
  deliver: [...pushed, "refuse"],
  settle: answered,
  "twin-get": [...answered, "malformed"],
  "twin-update": [...answered, "malformed"],
  desired: pushed,
  method: pushed,
  "method-response": unanswered,
  upload: answered,
  "upload-notify": answered,
  blob: answered,
  service: answered,
  "service-send": answered,
};

/** Throws for a step that does not exist or a fault that cannot happen there. */
export function assertPossible(step: IotHubStep, fault: IotHubFaults[IotHubStep]): void {
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

/** The name of an error of the hub, for {@link refuse}. */
export type HubErrorName = keyof typeof hubErrors;

/**
 * The step is refused with one of the hub's errors (`throttled` 429001, `serverError` 500001, `genericTimeout`
 * 500008, `unavailable` 503, `internalError` 500, `authenticationFailed` 401002, `unauthorized` 401003, …).
 * @param change - replaces parts of it: `message`, `status`, `condition`, `code`, `retryAfterSeconds`, …
 */
export function refuse(error: HubErrorName, change: Partial<HubError> = {}): HubRefusal {
  if (!Object.hasOwn(hubErrors, error)) {
    throw new TypeError(`refuse: error must be one of ${Object.keys(hubErrors).join(", ")}, got "${error}"`);
  }
  return { kind: "refuse", error: { ...hubErrors[error], ...change } };
}

/** 429001 ThrottlingException. @param retryAfterSeconds - `Retry-After` over HTTPS. Default: none. */
export function throttled({ retryAfterSeconds }: { retryAfterSeconds?: number } = {}): HubRefusal {
  return refuse("throttled", retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

/** A CONNACK with this return code: 3 server unavailable, 4 bad user name or password, 5 not authorized. Step connack. */
export function refuseConnection(returnCode: ConnackCode): RefusedConnection {
  if (![1, 2, 3, 4, 5].includes(returnCode)) {
    throw new RangeError(`refuseConnection: returnCode must be between 1 and 5, got ${String(returnCode)}`);
  }
  return { kind: "refuse-connection", returnCode };
}

/**
 * The client never gets an answer; the connection stays up.
 * @param stored - whether the step was carried out before its answer was lost. Default true.
 */
export function loseAcknowledgement({ stored = true }: { stored?: boolean } = {}): LostAnswer {
  return { kind: "lose-acknowledgement", stored };
}

/** The step is neither carried out nor answered. */
export function ignore(): LostAnswer {
  return { kind: "lose-acknowledgement", stored: false };
}

/** The step is carried out at once, and answered `ms` milliseconds later. */
export function delayAcknowledgement(ms: number): LateAnswer {
  return { kind: "delay", ms: nonNegative("delayAcknowledgement: ms", ms) };
}

/**
 * The connection is dropped when the step is reached.
 * @param stored - whether the step is carried out first. Default false.
 * @param how - `reset` (the client sees ECONNRESET) or `fin`. Default `reset`.
 */
export function dropConnection({
  stored = false,
  how = "reset",
}: { stored?: boolean; how?: DropKind } = {}): DroppedHubConnection {
  return { kind: "drop-connection", stored, how };
}

interface ClosingOptions {
  readonly stored?: boolean;
  readonly condition?: string;
  readonly description?: string;
}

/** The AMQP connection is closed with an error when the step is reached. @param condition - default `amqp:connection:forced` */
export function forceConnectionClose({
  stored = false,
  condition = "amqp:connection:forced",
  description = "The connection was closed by the service for maintenance.",
}: ClosingOptions = {}): ClosedHubConnection {
  return { kind: "close-connection", stored, condition, description };
}

/** The AMQP link is detached with an error when the step is reached. @param condition - default `amqp:link:detach-forced` */
export function forceDetach({
  stored = false,
  condition = "amqp:link:detach-forced",
  description = "The link was detached by the service.",
}: ClosingOptions = {}): DetachedHubLink {
  return { kind: "detach", stored, condition, description };
}

/** The hub has no session for the device although the client asked to keep it. Step connack. */
export function forgetSession(): ForgottenSession {
  return { kind: "forget-session" };
}

/** What goes to the device goes `times` times. Default 2. Steps deliver, desired, method. */
export function duplicate(times = 2): Duplicated {
  if (!Number.isInteger(times) || times < 2) {
    throw new RangeError(`duplicate: times must be an integer of at least 2, got ${String(times)}`);
  }
  return { kind: "duplicate", times };
}

/**
 * What goes to the device cannot be understood. Steps twin-get, twin-update, desired, method, deliver.
 * @param status - of a twin answer. Default 200.
 */
export function malformed(
  what: Malformed["what"] = "garbage",
  { status = 200 }: { status?: number } = {},
): Malformed {
  return { kind: "malformed", what, status };
}
