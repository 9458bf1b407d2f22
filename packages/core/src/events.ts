import type { FaultKind } from "./fault.ts";
import type { StopReason } from "./decide.ts";
import type {
  EventLoopLagEvent,
  ProcessedEvent,
  ProcessingFailedEvent,
  RecognisedEvent,
  RedeliveredEvent,
} from "./processing-events.ts";
import type { LockLostEvent, LockRenewalEndedEvent, StalledEvent } from "./lock-events.ts";

/** What every event about an operation carries. Texts are redacted. */
interface OperationEvent {
  /** The policy key, e.g. `serviceBus.send`. */
  readonly operation: string;
  /** The queue, topic, hub or device. */
  readonly target: string;
}

/** A fault, reduced to what a log line or a metric needs. */
export interface FaultSummary {
  readonly kind: FaultKind;
  /** The fault table's row, e.g. `TH-13`. */
  readonly id: string;
  readonly code: string | undefined;
  readonly message: string;
}

/** An attempt failed and another will follow after `waitMs`. */
export interface RetryEvent extends OperationEvent {
  readonly type: "retry";
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly waitMs: number;
  readonly hintMs: number | undefined;
  readonly fault: FaultSummary;
}

/** The caller gets the error; `reason` says why it was not tried (again). */
export interface GiveUpEvent extends OperationEvent {
  readonly type: "give-up";
  readonly attempts: number;
  readonly elapsedMs: number;
  /** `closed`: close() did not wait for it any longer. */
  readonly reason: StopReason | "closed";
  readonly fault: FaultSummary;
}

/** The call succeeded after at least one failed attempt. */
export interface RecoveredEvent extends OperationEvent {
  readonly type: "recovered";
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** A link or connection was found closed; `inFlight` operations on it have an unknown outcome. */
export interface DisconnectedEvent extends OperationEvent {
  readonly type: "disconnected";
  readonly inFlight: number;
  /** Why, where it is known; absent too when the connection was replaced as planned. */
  readonly fault?: FaultSummary;
  /** How long it had stood, in milliseconds. */
  readonly connectedMs?: number;
  /** Connections in a row, this one included, that did not last: two clients under one identity flap. */
  readonly flaps?: number;
  /** Until the first attempt to connect again, in milliseconds. */
  readonly waitMs?: number;
}

/** A link or connection is open again, `downMs` after it was found closed. */
export interface ReconnectedEvent extends OperationEvent {
  readonly type: "reconnected";
  readonly downMs: number;
  /** Attempts that it took. */
  readonly attempts?: number;
}

/** The connection did not answer; a new one takes its place and the old one is closed behind it. */
export interface RecycledEvent extends OperationEvent {
  readonly type: "recycled";
  readonly fault: FaultSummary;
}

/** The usual way to the service is closed and another is open: connections take that for a while. `target` is the host. */
export interface FellBackEvent extends OperationEvent {
  readonly type: "fell-back";
  readonly to: "websockets";
  /** Until the usual way is tried again, in milliseconds. */
  readonly forMs: number;
  /** What is wrong with the usual way. */
  readonly fault: FaultSummary;
}

/** The process has many clients of one service open, as when one is made for each call and none is closed. `target` is the namespace. */
export interface ManyClientsEvent extends OperationEvent {
  readonly type: "many-clients";
  readonly live: number;
}

/** A new access token was fetched; `target` names its scopes. */
export interface TokenRefreshedEvent extends OperationEvent {
  readonly type: "token-refreshed";
  /** Until it ends, in milliseconds, by this machine's clock. 0 or less: that clock is wrong. */
  readonly validForMs: number;
}

/** An access token that should have been replaced goes on serving, because the new one does not come. */
export interface TokenKeptEvent extends OperationEvent {
  readonly type: "token-kept";
  /** Until it ends, in milliseconds. */
  readonly validForMs: number;
  /** Absent while the request for the new one is still under way. */
  readonly fault?: FaultSummary;
}

/**
 * Something of the application, or from the service, failed where nobody waits for it: a handler threw, a push could not be
 * read, a subscription ended. `operation` says what, e.g. `iot.message`; nothing stops because of it.
 */
export interface HandlerFailedEvent extends OperationEvent {
  readonly type: "handler-failed";
  readonly fault: FaultSummary;
}

/**
 * A message left an outbox, or never got in, without being sent. `full`: there was no room. `expired`: its time was over.
 * `refused`: the service, or the client, does not take it. `corrupt`: it could not be read from the disk.
 */
export interface DroppedEvent extends OperationEvent {
  readonly type: "dropped";
  readonly reason: "full" | "expired" | "refused" | "corrupt";
  /** Undefined when not even that could be read. */
  readonly messageId: string | undefined;
}

/** The service has throttled for long: told once for each time that it does. `target` is the namespace or hub. */
export interface ThrottledSustainedEvent extends OperationEvent {
  readonly type: "throttled.sustained";
  /** Since the first refusal, in milliseconds. */
  readonly forMs: number;
  readonly refusals: number;
  /** What the service documents to do about it, in a sentence. */
  readonly advice: string;
  readonly see: string;
}

/** Everything Holdfast tells about itself. Events go out; nothing comes back in for control. */
export type HoldfastEvent =
  | RetryEvent
  | GiveUpEvent
  | RecoveredEvent
  | DisconnectedEvent
  | ReconnectedEvent
  | RecycledEvent
  | FellBackEvent
  | ManyClientsEvent
  | TokenRefreshedEvent
  | TokenKeptEvent
  | ThrottledSustainedEvent
  | HandlerFailedEvent
  | DroppedEvent
  | LockRenewalEndedEvent
  | RedeliveredEvent
  | ProcessedEvent
  | ProcessingFailedEvent
  | RecognisedEvent
  | EventLoopLagEvent
  | LockLostEvent
  | StalledEvent;

/** Receives events synchronously. What it throws or rejects with is ignored: an observer cannot break a send. */
export type EventListener = (event: HoldfastEvent) => void;

/** Delivers one event to a listener that may throw. */
export function emit(listener: EventListener | undefined, event: HoldfastEvent): void {
  if (listener === undefined) return;
  try {
    // An async function is a listener to the compiler, and its rejection would end the process.
    const heard: (event: HoldfastEvent) => unknown = listener;
    const returned = heard(event);
    if (returned instanceof Promise) returned.catch(() => undefined);
  } catch {
    // See EventListener.
  }
}
