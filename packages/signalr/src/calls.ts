import type { HubConnection as OfficialConnection, IStreamResult } from "@microsoft/signalr";
import { HoldfastError, type Clock } from "@holdfast/core";
import type { CallSettings } from "./call-options.ts";
import { deferredStream } from "./deferred-stream.ts";
import type { Note } from "./failure.ts";
import type { Life } from "./life.ts";
import { Patience } from "./patience.ts";
import type { Session } from "./session.ts";

/** Calls that need more than to be passed on: to wait for a connection, to be sent again, or to be given up in time. */
export class Calls {
  readonly #never: OfficialConnection;
  readonly #settings: CallSettings;
  readonly #clock: Clock;
  readonly #note: Note;
  readonly #life: () => Life | undefined;
  /** By how long it lasts. */
  readonly #patience = new Map<number, Patience>();
  #waiting = 0;

  /** @param never - an official connection that was never started: it says in its own words that there is none. */
  constructor(
    never: OfficialConnection,
    settings: CallSettings,
    clock: Clock,
    note: Note,
    life: () => Life | undefined,
  ) {
    this.#never = never;
    this.#settings = settings;
    this.#clock = clock;
    this.#note = note;
    this.#life = life;
  }

  invoke<T>(method: string, args: unknown[]): Promise<T> {
    const session = this.#life()?.steadySession();
    // The usual case, with as few promises as it takes.
    if (session !== undefined && !this.#isRepeated(method)) {
      const ms = this.#settings.timeoutMs(method);
      const call = session.hub.invoke<T>(method, ...args);
      const counted = session.wire.carrier === "WebSockets" ? call : session.during(call);
      return ms === Infinity ? counted.catch(this.noted) : this.#limited(counted, method);
    }
    return this.#repeated(method, (hub) => this.#limited(hub.invoke<T>(method, ...args), method));
  }

  /** Passes an error on to the caller, known to `failureOf()`. */
  readonly noted = (error: unknown): never => {
    this.#note(error);
    throw error;
  };

  /** Keeps nothing running: the connection was stopped. */
  end(): void {
    for (const patience of this.#patience.values()) patience.end();
  }

  send(method: string, args: unknown[]): Promise<void> {
    return this.#repeated(method, (hub) => hub.send(method, ...args));
  }

  stream<T>(method: string, args: unknown[]): IStreamResult<T> {
    const session = this.#life()?.steadySession();
    if (session !== undefined) return session.hub.stream<T>(method, ...args);
    // A stream is never sent again by itself: who reads it knows what was received.
    return deferredStream<T>(this.#sessionFor(method).then((ready) => ready.hub.stream<T>(method, ...args)));
  }

  #isRepeated(method: string): boolean {
    return this.#settings.whileDown === "queue" && this.#settings.isIdempotent(method);
  }

  async #repeated<T>(method: string, work: (hub: OfficialConnection) => Promise<T>): Promise<T> {
    let isSent = false;
    try {
      for (;;) {
        const session = await this.#sessionFor(method);
        try {
          isSent = true;
          return await session.during(work(session.hub));
        } catch (error) {
          // While the connection stands it is the hub's own answer, or the end of our patience.
          if (!this.#isRepeated(method) || !session.isOver || error instanceof HoldfastError) throw error;
        }
      }
    } catch (error) {
      this.#note(error, isSent ? undefined : "rejected");
      throw error;
    }
  }

  /** Rejects with the official client's words when there is no connection and the call is not to wait for one. */
  async #sessionFor(method: string): Promise<Session> {
    const life = this.#life();
    const { whileDown, waitTimeoutMs, maxWaiting } = this.#settings;
    const present = life?.steadySession();
    if (present !== undefined) return present;
    const waits = life?.renewing !== undefined || whileDown === "wait" || this.#isRepeated(method);
    if (life === undefined || !waits) await this.#never.send(method);
    if (this.#waiting >= maxWaiting) {
      throw new HoldfastError("deadline", `${String(maxWaiting)} calls wait for the connection already.`);
    }
    this.#waiting += 1;
    try {
      return await this.#wait(life as Life, waitTimeoutMs);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #wait(life: Life, ms: number): Promise<Session> {
    const abort = new AbortController();
    const text = `There was no connection within ${String(ms)} ms.`;
    const stopTimer =
      ms === Infinity
        ? undefined
        : this.#clock.after(ms, () => {
            abort.abort(new HoldfastError("deadline", text));
          });
    try {
      for (;;) {
        // A planned change begins on a connection that stands: first it must begin, which takes two seconds at most.
        await life.renewing;
        await life.ready(abort.signal);
        const session = life.steadySession();
        if (session !== undefined) return session;
      }
    } finally {
      stopTimer?.();
    }
  }

  #limited<T>(call: Promise<T>, method: string): Promise<T> {
    const ms = this.#settings.timeoutMs(method);
    if (ms === Infinity) return call;
    let patience = this.#patience.get(ms);
    if (patience === undefined) {
      patience = new Patience(ms, this.#clock, this.#note);
      this.#patience.set(ms, patience);
    }
    return patience.limit(call, method);
  }
}
