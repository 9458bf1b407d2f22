import { noAnswer, type Clock, type HeaderSource } from "@holdfast/core";
import type { Step } from "./fault-rows.ts";

/** What the official client throws names no status and no Retry-After: the hooks around it tell them here. */
export interface Refusal {
  readonly step: Step;
  readonly status?: number | undefined;
  readonly headers?: HeaderSource | undefined;
  /** What was thrown below the official client's own error. */
  readonly error?: unknown;
}

/** Something that can be cut: a socket, an event stream, a request. */
interface Cuttable {
  cut(): void;
}

/** How the connection is carried, once that is known. */
export type Carrier = "WebSockets" | "ServerSentEvents" | "LongPolling";

/** A closing handshake that nobody answers would keep a socket, and the process, for half a minute. */
const lingerMs = 1_000;

/** Everything that one official connection sends and opens: what was refused, and the means to cut it all. */
export class Wire {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly #open = new Set<Cuttable>();
  #refusal: Refusal | undefined;
  #stopLingering: (() => void) | undefined;
  isCut = false;
  /** True once a negotiation has succeeded: what fails after it is the connecting. */
  isNegotiated = false;
  /** True once the hub's handshake is done: what is refused later is refused to a connection that stood. */
  isEstablished = false;
  /** The client closed an open socket by itself: a stateful reconnection behind that would only leak a socket. */
  isClosedByClient = false;
  carrier: Carrier = "LongPolling";
  /** Of the token that the connection uses, as far as it can be read: how long it lives from when, by the clock. */
  token: { readonly lifeMs: number; readonly since: number } | undefined;
  /** Hears that the connection is dead although the official client thinks it connected. */
  onDead: (error: unknown) => void = () => undefined;

  constructor(clock: Clock, connectTimeoutMs: number) {
    this.clock = clock;
    this.connectTimeoutMs = connectTimeoutMs;
  }

  /** Takes note of something open; the result is to be called when it is closed. */
  add(one: Cuttable): () => void {
    this.#open.add(one);
    if (this.isCut) one.cut();
    return () => {
      this.#open.delete(one);
      if (this.#open.size === 0) this.#stopLingering?.();
    };
  }

  refused(refusal: Refusal): void {
    this.#refusal = refusal;
  }

  /** Says that no answer came within the time that a connection may take to open. */
  tooLate(what: string): void {
    this.refused({ step: "connect", error: noAnswer(`The ${what}`, this.connectTimeoutMs) });
  }

  /** Binds what was seen to the error that the official client made of it. */
  explain(error: unknown): void {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined && typeof error === "object" && error !== null) refusals.set(error, refusal);
  }

  /** Cuts everything now, whatever waits for it. */
  cut(): void {
    this.isCut = true;
    for (const one of [...this.#open]) one.cut();
  }

  /** Cuts, in a moment, what an orderly end has left open. */
  linger(): void {
    if (this.#open.size === 0) return;
    this.#stopLingering = this.clock.after(lingerMs, () => {
      this.cut();
    });
  }
}

const refusals = new WeakMap<object, Refusal>();

/** What a fault table is to look at: the error, with what is known about it. */
export function evidenceOf(error: unknown): unknown {
  const refusal = refusals.get(error as object); // Of a primitive there is none.
  if (refusal === undefined) return error;
  const { step, status, headers } = refusal;
  if (status === undefined) return { cause: refusal.error, innerError: error };
  const { message } = error as Partial<Error>;
  return { code: status, condition: `${step}:${String(status)}`, status, headers, message };
}
