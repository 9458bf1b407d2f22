import type { ServiceBusSender, ServiceBusSessionReceiver } from "@azure/service-bus";
import { backoff, failureOf, HoldfastError, nextWait, sleep } from "@holdfast/core";
import { withinTime } from "./connection-pool.ts";
import type { Handler } from "./message-work.ts";
import { watchProcess } from "./process-watch.ts";
import type { ProcessorSettings } from "./processor-options.ts";
import type { ProcessorParts, ProcessorState } from "./processor.ts";
import { isPassing } from "./reattach-pace.ts";
import { atMostThousand, type SessionSettings } from "./session-processor-options.ts";
import { Scout } from "./scout.ts";
import type { AcceptTurn } from "./session-arguments.ts";
import { serveSession, type SessionContext, type SessionEnd } from "./session-service.ts";

/** What a session processor works with. */
export interface SessionProcessorParts extends Omit<ProcessorParts, "receiver"> {
  readonly entityPath: string;
  /** Accepts a session, or the next that is free. */
  readonly accept: (
    sessionId: string | undefined,
    options: {
      readonly abortSignal: AbortSignal;
      readonly whenHeld: "wait" | "fail";
      readonly turn: AcceptTurn;
    },
  ) => Promise<ServiceBusSessionReceiver>;
}

// An entity that is missing or disabled, a service that is down: asked again, ever more seldom.
const troubleBackoff = backoff.decorrelated({ baseMs: 500, capMs: 30_000 });
// Somebody else has what there is, or had it a moment ago.
const nothingFreeMs = 250;
// A session accepted after trouble that brings nothing shows as much as one that does; others wait for it.
const trialIdleMs = 1_000;

/**
 * Hands the messages of sessions to a handler: so many sessions at once, each in order, each given back when it is idle and
 * accepted again when it was lost with work left. It runs from the beginning.
 */
export class SessionProcessor implements AsyncDisposable {
  readonly #handler: Handler<SessionContext>;
  readonly #settings: ProcessorSettings;
  readonly #sessions: SessionSettings;
  readonly #parts: SessionProcessorParts;
  readonly #stopped = new AbortController();
  /** Ends the taking of messages: replaced by each resume. */
  #closing = new AbortController();
  readonly #workers = new Set<Promise<void>>();
  readonly #ours = new Set<string>();
  readonly #listed: string[];
  readonly #stopListening: () => void;
  /** The worker that goes first while the service is in trouble; sessions in hand are kept. */
  readonly #scout = new Scout(() => {
    this.#staff();
  });
  #wanted: number;
  #sender: ServiceBusSender | undefined;
  #state: ProcessorState = "running";
  #stopping: Promise<void> | undefined;

  constructor(
    handler: Handler<SessionContext>,
    settings: ProcessorSettings,
    sessions: SessionSettings,
    parts: SessionProcessorParts,
  ) {
    this.#handler = handler;
    this.#settings = settings;
    this.#sessions = sessions;
    this.#parts = parts;
    this.#wanted = sessions.sessions;
    this.#listed = [...sessions.sessionIds];
    this.#stopListening = watchProcess(settings, parts, parts.entityPath, () => void this.stop());
    this.#staff();
  }

  get state(): ProcessorState {
    return this.#state;
  }

  /** The ids of the sessions in hand now. */
  get inHand(): readonly string[] {
    return [...this.#ours];
  }

  /** Sessions at once; a change takes effect while it runs: more at once, fewer as sessions become idle. */
  get sessions(): number {
    return this.#wanted;
  }

  /** @throws HoldfastError `misconfigured`. */
  set sessions(value: number) {
    this.#wanted = atMostThousand("sessions", value);
    this.#staff();
  }

  /** Takes no more messages, lets handlers finish, and gives the sessions back. */
  async pause(): Promise<void> {
    this.#mayChange();
    this.#state = "paused";
    this.#closing.abort();
    await Promise.all(this.#workers);
  }

  /** Sessions are accepted again. */
  resume(): void {
    this.#mayChange();
    if (this.#state === "running") return;
    this.#state = "running";
    this.#closing = new AbortController();
    this.#staff();
  }

  /** As {@link pause}: between sessions nothing is held. */
  drain(): Promise<void> {
    return this.pause();
  }

  /**
   * Takes no more messages, lets handlers finish for up to `closeTimeoutMs`, then aborts their signals, and gives the sessions
   * back. A second call waits for the first.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    const { closeTimeoutMs, clock, onClosed } = this.#parts;
    this.#state = "stopping";
    this.#stopListening();
    this.#closing.abort();
    await withinTime(Promise.all(this.#workers), closeTimeoutMs, clock);
    this.#stopped.abort(new HoldfastError("closed", "The processor was stopped."));
    await withinTime(Promise.all(this.#workers), closeTimeoutMs, clock);
    await this.#sender?.close();
    this.#state = "stopped";
    onClosed();
  }

  #mayChange(): void {
    if (this.#state === "stopping" || this.#state === "stopped") {
      throw new HoldfastError("closed", "The processor was stopped and takes no more messages.");
    }
  }

  #staff(): void {
    while (this.#state === "running" && this.#workers.size < this.#wanted && !this.#scout.isOut) {
      const me = Symbol("worker");
      const worker = this.#work(me, this.#closing.signal).finally(() => {
        this.#workers.delete(worker);
        // It was resumed before all had stopped, or two left where one was too many.
        this.#passOn(me);
      });
      this.#workers.add(worker);
    }
  }

  #mayAccept(me: symbol): boolean {
    return this.#workers.size <= this.#wanted && this.#scout.mayGo(me);
  }

  #passOn(me: symbol): void {
    this.#scout.giveUp(me);
    this.#staff();
  }

  /** What passes is not told of, unless it outlives the first try. */
  #outlived(error: unknown): void {
    if (!this.#scout.caution.isRaised) this.#settings.onError(error);
    this.#scout.caution.raise();
  }

  /** One session after the other. */
  async #work(me: symbol, closing: AbortSignal): Promise<void> {
    let again: string | undefined;
    let waitMs: number | undefined;
    while (!closing.aborted && this.#mayAccept(me)) {
      try {
        const receiver = await this.#accept(again, me, closing);
        again = undefined;
        if (receiver === undefined) {
          await this.#rest(nothingFreeMs * (1 + this.#parts.random()), closing);
          continue;
        }
        if (!this.#scout.mayKeep(me)) {
          this.#ours.delete(receiver.sessionId);
          await receiver.close();
          return;
        }
        waitMs = undefined;
        if ((await this.#serve(receiver, me, closing)) === "again") again = receiver.sessionId;
      } catch (error) {
        if (isOver(closing)) return;
        this.#settings.onError(error);
        this.#scout.caution.raise();
        if (!this.#mayAccept(me)) return;
        again = undefined;
        waitMs = nextWait(troubleBackoff, 0, this.#parts.random, waitMs);
        await this.#rest(waitMs, closing);
      }
    }
  }

  /** Undefined when there is none to be had now. */
  async #accept(
    again: string | undefined,
    me: symbol,
    closing: AbortSignal,
  ): Promise<ServiceBusSessionReceiver | undefined> {
    const { whenHeld } = this.#sessions;
    const listed = again ?? this.#nextListed();
    if (listed === null) return undefined;
    // One that we had is ours to have back: the service may not have noticed yet that we lost it.
    const waits = again !== undefined || (listed !== undefined && whenHeld === "wait");
    if (listed !== undefined) this.#ours.add(listed);
    try {
      return await this.#parts.accept(listed, {
        abortSignal: closing,
        whenHeld: waits ? "wait" : "fail",
        turn: {
          mayTry: () => this.#mayAccept(me),
          failed: (error, kind, failures) => {
            // The service works: that one session is held keeps no other back.
            if (kind === "conflict") this.#passOn(me);
            else if (isPassing(kind) && failures > 1) this.#outlived(error);
          },
        },
      });
    } catch (error) {
      if (listed !== undefined) this.#ours.delete(listed);
      const kind = failureOf(error)?.kind;
      // Nothing to do is no trouble: no session has messages, those that do are held by others, or it is another's turn.
      if (kind === "conflict" || kind === "timeout" || kind === "cancelled") return undefined;
      throw error;
    }
  }

  /** The next of the user's sessions that we do not hold; null when there is none, undefined when any will do. */
  #nextListed(): string | null | undefined {
    if (this.#listed.length === 0) return undefined;
    // In turn: each goes to the end of the line when it is looked at.
    for (let left = this.#listed.length; left > 0; left -= 1) {
      const id = this.#listed.shift() as string;
      this.#listed.push(id);
      if (!this.#ours.has(id)) return id;
    }
    return null;
  }

  async #serve(receiver: ServiceBusSessionReceiver, me: symbol, closing: AbortSignal): Promise<SessionEnd> {
    const { clock, random, onEvent } = this.#parts;
    const { callsPerSession, idleTimeoutMs } = this.#sessions;
    const { isRaised, troubles } = this.#scout.caution;
    const wentWell = (): void => {
      this.#scout.caution.wentWell(troubles);
    };
    this.#ours.add(receiver.sessionId);
    try {
      const how = await serveSession(this.#handler, this.#settings, {
        ...{ receiver, closing, clock, random, onEvent },
        idleTimeoutMs: isRaised ? Math.min(idleTimeoutMs, trialIdleMs) : idleTimeoutMs,
        calls: callsPerSession,
        handled: wentWell,
        // The handler's trouble is not the service's: others are not kept waiting until the message comes again.
        failed: () => {
          this.#passOn(me);
        },
        stopped: this.#stopped.signal,
        send: async (copy) => {
          this.#sender ??= this.#parts.sender();
          await this.#sender.sendMessages(copy);
        },
      });
      if (how === "idle") wentWell();
      return how;
    } finally {
      this.#ours.delete(receiver.sessionId);
    }
  }

  async #rest(ms: number, closing: AbortSignal): Promise<void> {
    await sleep(ms, this.#parts.clock, closing).catch(() => undefined);
  }
}

/** Asked anew each time: it changes while others work. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
