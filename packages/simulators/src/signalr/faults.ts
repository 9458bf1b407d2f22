import type { DropKind, SocketFault } from "../faults/socket-faults.ts";

/** An HTTP request is answered with this in place of what was asked for. */
export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
/** The step is never answered; its connection stays up. */
export interface NeverAnswered {
  readonly kind: "never-answer";
  /** Whether it is carried out all the same. */
  readonly carriedOut: boolean;
}
/** The step is carried out late; what comes behind it on the same connection waits as well. */
export interface Delay {
  readonly kind: "delay";
  readonly ms: number;
}
/** The socket is dropped: a WebSocket client sees 1006. */
export interface DroppedConnection {
  readonly kind: "drop-connection";
  readonly carriedOut: boolean;
  readonly how: DropKind;
}
/** The connection is closed with a message of type 7. */
export interface ClosedConnection {
  readonly kind: "close-connection";
  readonly carriedOut: boolean;
  readonly error?: string;
  readonly allowReconnect?: boolean;
}
/** The handshake is answered with an error. */
export interface RefusedHandshake {
  readonly kind: "refuse-handshake";
  readonly error: string;
}
/** Half of the message is written, then the socket is dropped. */
export interface CutMessage {
  readonly kind: "cut-message";
  readonly how: DropKind;
}
/** From here on nothing is read from or written to the connection, and the client is not told. */
export interface FallenSilent {
  readonly kind: "fall-silent";
}

/** What can happen to an HTTP request. */
export type RequestFault = Answer | NeverAnswered | Delay | DroppedConnection;
/** What can happen to a connection once it has a transport. */
export type ConnectionFault = NeverAnswered | Delay | DroppedConnection | ClosedConnection | FallenSilent;

/**
 * The steps of the fault script and what can go wrong at each. A rule's `entity` is the hub, for `connect` the server
 * (`app` or `service`), for raw endpoints the path.
 */
export interface SignalRFaults {
  /** A TCP connection has been accepted. */
  connect: SocketFault;
  /** A client negotiates with the app server. */
  "app-negotiate": RequestFault;
  /** A client negotiates with the service. */
  "service-negotiate": RequestFault;
  /** A client opens its transport: WebSocket upgrade, event stream, or first poll. */
  transport: RequestFault;
  /** A poll after the first. */
  poll: RequestFault;
  /** A client sends by POST (server-sent events, long polling). */
  post: RequestFault;
  /** A call of the REST API. */
  rest: RequestFault;
  /** The client's handshake has arrived. */
  handshake: RefusedHandshake | ConnectionFault;
  /** A message of types 1 to 5 has arrived from a client. */
  receive: ConnectionFault;
  /** A message of types 1 to 5 is about to go to a client. */
  send: CutMessage | ConnectionFault;
}

/** A step of the fault script. */
export type SignalRStep = keyof SignalRFaults;
/** The steps that are HTTP requests. */
export type RequestStep = "app-negotiate" | "service-negotiate" | "transport" | "poll" | "post" | "rest";

type Kind = SignalRFaults[SignalRStep]["kind"];

const request: readonly Kind[] = ["answer", "never-answer", "delay", "drop-connection"];
const connection: readonly Kind[] = [
  "never-answer",
  "delay",
  "drop-connection",
  "close-connection",
  "fall-silent",
];

const possible: Readonly<Record<SignalRStep, readonly Kind[]>> = {
  connect: ["reset-connection", "accept-then-close", "black-hole", "half-open"],
  "app-negotiate": request,
  "service-negotiate": request,
  transport: request,
  poll: request,
  post: request,
  rest: request,
  handshake: ["refuse-handshake", ...connection],
  receive: connection,
  send: ["cut-message", ...connection],
};

/** Throws for a step that does not exist or a fault that cannot happen there. */
export function assertPossible(step: SignalRStep, fault: SignalRFaults[SignalRStep]): void {
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

/**
 * A request is answered with this status. Steps app-negotiate, service-negotiate, transport, poll, post, rest.
 * @param retryAfterSeconds - adds the header `Retry-After`
 */
export function answer(
  status: number,
  {
    body = "",
    headers = {},
    retryAfterSeconds,
  }: { body?: string; headers?: Readonly<Record<string, string>>; retryAfterSeconds?: number } = {},
): Answer {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`answer: status must be an integer between 200 and 599, got ${String(status)}`);
  }
  const hint = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  return { kind: "answer", status, body, headers: { ...headers, ...hint } };
}

/** Too many connections: {@link answer} with status 429. @param retryAfterSeconds - default: no such header */
export function throttled({ retryAfterSeconds }: { retryAfterSeconds?: number } = {}): Answer {
  return answer(429, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

/** No answer ever comes, and the connection stays up. Any step but connect. @param carriedOut - default false */
export function neverAnswer({ carriedOut = false }: { carriedOut?: boolean } = {}): NeverAnswered {
  return { kind: "never-answer", carriedOut };
}

/** The step is carried out `ms` milliseconds late, and so is what follows it. Any step but connect. */
export function delayAnswer(ms: number): Delay {
  if (!(ms >= 0)) throw new RangeError(`delayAnswer: ms must be 0 or more, got ${String(ms)}`);
  return { kind: "delay", ms };
}

/**
 * The socket is dropped when the step is reached. Any step but connect.
 * @param carriedOut - whether the step is carried out first, its answer lost. Default false.
 * @param how - `reset` (TCP RST) or `fin`. Default `reset`.
 */
export function dropConnection({
  carriedOut = false,
  how = "reset",
}: { carriedOut?: boolean; how?: DropKind } = {}): DroppedConnection {
  return { kind: "drop-connection", carriedOut, how };
}

/**
 * The server closes the connection with a message of type 7. Steps handshake, receive, send.
 * @param error - default "Connection closed with an error."; `null` for none
 * @param allowReconnect - default: not said, which a client reads as false
 */
export function closeConnection({
  error = "Connection closed with an error.",
  allowReconnect,
  carriedOut = false,
}: { error?: string | null; allowReconnect?: boolean; carriedOut?: boolean } = {}): ClosedConnection {
  return {
    kind: "close-connection",
    carriedOut,
    ...(error === null ? {} : { error }),
    ...(allowReconnect === undefined ? {} : { allowReconnect }),
  };
}

/** The handshake is answered with this error. Step handshake. */
export function refuseHandshake(error = "The protocol 'json' is not supported."): RefusedHandshake {
  return { kind: "refuse-handshake", error };
}

/** Half of a message is written, then the socket is dropped. Step send. @param how - default `reset` */
export function cutMessage({ how = "reset" }: { how?: DropKind } = {}): CutMessage {
  return { kind: "cut-message", how };
}

/** The server is gone from here on without a word. Steps handshake, receive, send. */
export function fallSilent(): FallenSilent {
  return { kind: "fall-silent" };
}
