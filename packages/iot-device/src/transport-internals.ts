import { type EventEmitter } from "node:events";
import type { Callback, Message, MessageEnqueued, OfficialTransport } from "./official.ts";

/**
 * The one place that reaches past the official transports' public API; a test fails when a version changes what it finds.
 * Everything here is harmless when nothing is found.
 */
interface Internals {
  /** `azure-iot-mqtt-base`. */
  readonly _mqtt?: EventEmitter & { readonly _mqttClient?: { readonly stream?: Destroyable } };
  /** `azure-iot-amqp-base`. */
  readonly _amqp?: { readonly _rheaConnection?: EventEmitter & { readonly socket?: Destroyable } };
  readonly _http?: unknown;
  /** The MQTT transport's states. */
  readonly _fsm?: { handle?(input: string, ...args: unknown[]): unknown };
  readonly _deviceMethodClient?: EventEmitter;
  readonly _twinClient?: EventEmitter & Record<string, unknown>;
}

interface Destroyable {
  readonly destroyed?: boolean;
  destroy?(error?: Error): void;
  terminate?(): void;
}

/** Which protocol a transport speaks; `other` for one that is not of the official packages. */
export type Protocol = "mqtt" | "amqp" | "http" | "other";

/** Tells the protocol by the part that speaks it: class names do not survive a bundler. */
export function protocolOf(transport: OfficialTransport): Protocol {
  const internals = transport as unknown as Internals;
  if (internals._mqtt !== undefined) return "mqtt";
  if (internals._amqp !== undefined) return "amqp";
  return internals._http !== undefined ? "http" : "other";
}

/**
 * Sends over MQTT as the official `sendEvent` and `sendOutputEvent` do, without their debug lines: those turn the message into
 * JSON, and the acknowledgement, which has a copy of the message in it, whether anybody reads them or not. A Buffer of 64 KB takes
 * milliseconds for each.
 *
 * @returns false when the transport has no such states; then the public method is the way.
 */
export function sendWithoutJson(
  transport: OfficialTransport,
  message: Message,
  output: string | undefined,
  done: Callback<MessageEnqueued>,
): boolean {
  const { _mqtt, _fsm } = transport as unknown as Internals;
  if (_mqtt === undefined || typeof _fsm?.handle !== "function") return false;
  _fsm.handle("sendEvent", message, output === undefined ? undefined : { "$.on": output }, done);
  return true;
}

/**
 * Destroys the socket under a transport. The public `disconnect()` waits for acknowledgements that a half-open connection
 * never brings, and everything that is pending on it with it.
 */
export function destroySocket(transport: OfficialTransport): void {
  const { _mqtt, _amqp } = transport as unknown as Internals;
  const stream = _mqtt?._mqttClient?.stream ?? _amqp?._rheaConnection?.socket;
  if (stream === undefined || stream.destroyed === true) return;
  // rhea stops its timers on `error` and not on `close`; mqtt.js takes either.
  if (_amqp === undefined) stream.destroy?.();
  else {
    // Without a listener rhea prints it.
    _amqp._rheaConnection?.on("disconnected", () => undefined);
    stream.destroy?.(new Error("ECONNABORTED: the connection was given up."));
  }
}

/**
 * Hears at once when the AMQP peer closes the connection with an error; the official client waits 45 s for the socket to
 * end. Nothing on other transports.
 */
export function onPeerClose(transport: OfficialTransport, closed: (error: Error) => void): void {
  const connection = (transport as unknown as Internals)._amqp?._rheaConnection;
  connection?.once(
    "connection_close",
    (context?: {
      connection?: { error?: Partial<Error> & { condition?: string; description?: string } };
    }) => {
      const { condition = "", description = "" } = context?.connection?.error ?? {};
      const text = `The hub closed the connection: ${condition} ${description}`.trim();
      closed(Object.assign(new Error(text), { name: "NotConnectedError", condition }));
    },
  );
}

/**
 * Hears of every direct method, also of those that nobody handles, which the official transports drop: the cloud would
 * wait for its timeout.
 *
 * @param unhandled - the method's name and request id.
 */
export function onUnhandledMethod(
  transport: OfficialTransport,
  unhandled: (methodName: string, requestId: string) => void,
): void {
  const { _deviceMethodClient } = transport as unknown as Internals;
  const emitter = _deviceMethodClient ?? transport;
  intercept(emitter, (emit, event, ...args) => {
    const isHandled = emit(event, ...args);
    if (isHandled || typeof event !== "string" || !event.startsWith("method_")) return isHandled;
    const { requestId } = (args[0] ?? {}) as { requestId?: unknown };
    if (typeof requestId === "string") unhandled(event.slice("method_".length), requestId);
    return true;
  });
}

/**
 * Stands between what arrives and the official parsers, which throw out of the event loop (and end the process) at a twin
 * body that is no JSON, and take an error without a body for a success.
 *
 * @param hostile - what could not be read, and the error.
 */
export function guardIncoming(
  transport: OfficialTransport,
  hostile: (topic: string, error: unknown) => void,
): void {
  const { _mqtt, _twinClient, _amqp } = transport as unknown as Internals;
  const guarded = (emit: Emit, event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== "message") return emit(event, ...args);
    const topic = typeof args[0] === "string" ? args[0] : "amqp message";
    try {
      if (typeof args[0] !== "string" || !topic.startsWith("$iothub/twin/")) return emit(event, ...args);
      const body = twinBody(topic, args[1] as Buffer);
      if (body === undefined) throw new Error("Its body is not JSON.");
      return emit(event, topic, body);
    } catch (error) {
      hostile(topic, error);
      return true;
    }
  };
  if (_mqtt !== undefined) intercept(_mqtt, guarded);
  // rhea calls these as listeners of the link, out of its socket's event.
  if (_amqp === undefined || _twinClient === undefined) return;
  const handler = _twinClient["_messageHandler"];
  if (typeof handler !== "function") return;
  _twinClient["_messageHandler"] = (...args: unknown[]): void => {
    try {
      (handler as (...given: unknown[]) => void)(...args);
    } catch (error) {
      hostile("twin", error);
    }
  };
}

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/** Puts a function in place of an emitter's `emit`. */
function intercept(
  emitter: EventEmitter,
  by: (emit: Emit, event: string | symbol, ...args: unknown[]) => boolean,
): void {
  const emit = emitter.emit.bind(emitter) as Emit;
  emitter.emit = ((event: string | symbol, ...args: unknown[]) => by(emit, event, ...args)) as never;
}

/** The body as the official parser takes it: of an error, always with the code that it recognises an error by. */
function twinBody(topic: string, body: Buffer): Buffer | undefined {
  const text = body.toString();
  const parsed = parse(text);
  const status = Number(/^\$iothub\/twin\/res\/(\d{3})\//.exec(topic)?.[1] ?? "");
  // A patch of the desired properties; what is not one is not for the application.
  if (Number.isNaN(status) || status === 0) return isRecord(parsed) ? body : undefined;
  if (status < 300) {
    if (text.trim() === "") return status === 200 ? failed(502, "it is empty") : body;
    return isRecord(parsed) && !("errorCode" in parsed)
      ? body
      : failed(502, "it is not an answer to a twin request");
  }
  const { errorCode, message, trackingId } = isRecord(parsed) ? parsed : {};
  const said = [errorCode, message]
    .filter((word) => word !== undefined)
    .map(String)
    .join(": ");
  const tracking = typeof trackingId === "string" ? `, TrackingId: ${trackingId}` : "";
  return failed(status, `${said || text.slice(0, 200)}${tracking}`);
}

function failed(status: number, why: string): Buffer {
  const message = `The twin request failed with status ${String(status)} (${why})`;
  return Buffer.from(JSON.stringify({ errorCode: status, message }));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
