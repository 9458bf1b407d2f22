import type { MessageHandlers, ServiceBusReceivedMessage, SubscribeOptions } from "@azure/service-bus";
import { emit, onAbort, run, type Attempt } from "@holdfast/core";
import { withinTime } from "./connection-pool.ts";
import { HandlerWork } from "./handler-work.ts";
import { timeoutError } from "./official-errors.ts";
import { isWorthTelling, reattachAfter, type LinkTrouble } from "./reattach-pace.ts";
import { ReceiverLink, type LinkListener } from "./receiver-link.ts";
import { deafLinkError } from "./receiver-errors.ts";
import { RetiredLinks } from "./retired-links.ts";
import type { Receiving } from "./receiving.ts";
import { StallWatch, type Watched } from "./stall-watch.ts";

// The engine stops at 2048 deliveries from the oldest unsettled one on (gap 5); what is under way when a link is replaced
// must fit too.
const longestSpan = 1_500;

// A link that worked for so long, or brought a message, has put an end to the trouble before it.
const soundAfterMs = 5_000;

// As in link-opening.ts: an attach that is not answered is given up early, and later each time.
const firstPatienceMs = 4_000;
const longestPatienceMs = 30_000;

// The user hears at once of what lasts, of an outage when it outlives the first try, and then as often as from the
// official client.
const reportEveryMs = 30_000;

/** What `subscribe` began: links, one after the other, whose messages go to the user's handlers. */
export class Subscription implements Watched {
  readonly #receiving: Receiving;
  readonly #work: HandlerWork;
  readonly #maxConcurrentCalls: number;
  readonly #ended = new AbortController();
  readonly #retired = new RetiredLinks((link) => {
    if (this.isActive) void link.close();
    else this.#receiving.spare.keep(link);
  });
  readonly #watch: StallWatch;
  #link: ReceiverLink | undefined;
  #trouble: LinkTrouble | undefined;
  /** Attaches in a row that had no answer. */
  #unanswered = 0;
  #downSince: number | undefined;
  #reportedAt = -Infinity;
  readonly #stopListening: () => void;

  constructor(receiving: Receiving, handlers: MessageHandlers, options: SubscribeOptions) {
    this.#receiving = receiving;
    const { maxConcurrentCalls = 1, autoCompleteMessages = true, abortSignal } = options;
    this.#maxConcurrentCalls = maxConcurrentCalls > 0 ? maxConcurrentCalls : 1;
    this.#work = new HandlerWork(receiving, handlers, this.#maxConcurrentCalls, autoCompleteMessages);
    this.#watch = new StallWatch(receiving, this, receiving.resilience.stallAfterMs);
    this.#stopListening = onAbort(abortSignal, () => void this.stop());
    if (abortSignal?.aborted === true) void this.stop();
    else this.#open(undefined);
  }

  get isActive(): boolean {
    return !this.#ended.signal.aborted;
  }

  /** Whether messages could come. */
  isWaiting(): boolean {
    return this.#link?.isListening === true && this.#work.underWay < this.#maxConcurrentCalls;
  }

  /** The link is deaf. */
  replace(): void {
    this.#link?.lose(deafLinkError(this.#receiving.entityPath));
  }

  /** Whether nothing of it is left. */
  get isOver(): boolean {
    return !this.isActive && this.#work.underWay === 0 && this.#retired.size === 0;
  }

  /** No more messages; handlers that run go on, and settle on their link. */
  async stop(): Promise<void> {
    if (!this.isActive) return;
    this.#ended.abort();
    this.#watch.end();
    this.#stopListening();
    const link = this.#link;
    this.#link = undefined;
    if (link !== undefined) await this.#retired.add(link);
  }

  /** Stops, and lets handlers finish for up to `ms` milliseconds. */
  async drain(ms: number): Promise<void> {
    await this.stop();
    const { clock } = this.#receiving.resilience;
    await withinTime(this.#work.done(), ms, clock);
  }

  /** Closes the links. */
  async close(): Promise<void> {
    await this.stop();
    await this.#retired.close();
  }

  /** @param lost - why there is no link any more; undefined at first, or when it is replaced. */
  #open(lost: Error | undefined): void {
    this.#attach(lost).then(
      (link) => {
        if (!this.isActive) void this.#retired.add(link);
      },
      () => {
        // Stopped.
      },
    );
  }

  /** Resolves with a link that has proved itself; each that has not is a failed attempt. */
  #attach(lost: Error | undefined): Promise<ReceiverLink> {
    const { resilience, connection } = this.#receiving;
    const { policy, classify, clock, random, onEvent } = resilience;
    let pending = lost;
    return run(
      (attempt) => {
        const first = pending;
        pending = undefined;
        // The loss is the first fault: what follows is spread like what follows any other.
        return first === undefined ? this.#prove(attempt) : Promise.reject(first);
      },
      {
        ...{ operation: "serviceBus.subscribe", target: connection.entityPath },
        ...{
          policy: policy("serviceBus.subscribe"),
          classify,
          clock,
          random,
          onEvent,
          signal: this.#ended.signal,
        },
        ready: (scope) => this.#pace(scope),
        act: (action) => {
          if (action === "rotate") connection.rotate();
        },
        timeoutError: (ms) => timeoutError(connection.entityPath, ms),
      },
    );
  }

  #prove(attempt: Attempt): Promise<ReceiverLink> {
    const { connection, resilience } = this.#receiving;
    const { clock } = resilience;
    return new Promise((resolve, reject) => {
      const startedAt = clock.now();
      const fail = (error: Error): void => {
        stopWaiting();
        this.#failed(error);
        reject(error);
      };
      const listener: LinkListener = {
        message: (message, on) => {
          settled();
          return this.#take(message, on);
        },
        lost: (error, on) => {
          this.#lost(on);
          if (isSound) this.#failedLater(on, error);
          else fail(error);
        },
        settled: (on) => {
          this.#retired.settled(on);
        },
      };
      const spare = this.#receiving.spare.take(this.#maxConcurrentCalls);
      spare?.handTo(listener);
      const link = spare ?? new ReceiverLink(connection, this.#maxConcurrentCalls, clock, listener);
      let isSound = false;
      const settled = (): void => {
        if (isSound) return;
        isSound = true;
        stopWaiting();
        this.#trouble = undefined;
        this.#unanswered = 0;
        resolve(link);
      };
      let isAttached = false;
      const patienceMs = Math.min(longestPatienceMs, firstPatienceMs * 2 ** this.#unanswered);
      let stopWaiting = clock.after(patienceMs, () => {
        this.#unanswered += 1;
        link.unanswered(startedAt, timeoutError(connection.entityPath, patienceMs));
      });
      attempt.signal.addEventListener("abort", () => {
        stopWaiting();
        // An attached one is stopped by stop(), so that nothing on its way is lost.
        if (!isAttached) void link.close();
      });
      this.#link = link;
      link.listen().then(
        () => {
          isAttached = true;
          if (isSound || attempt.ended) return;
          stopWaiting();
          stopWaiting = clock.after(soundAfterMs, settled);
          this.#attached();
        },
        (error: unknown) => {
          // That the spare one was closed meanwhile is no trouble to tell of.
          if (spare === undefined) {
            fail(error as Error);
            return;
          }
          stopWaiting();
          reject(error);
        },
      );
    });
  }

  /** The link it had replaced itself, or failed after having worked. */
  #failedLater(link: ReceiverLink, error: Error): void {
    if (this.#link !== link || !this.isActive) return;
    this.#link = undefined;
    this.#failed(error);
    this.#open(error);
  }

  #attached(): void {
    const { resilience, connection } = this.#receiving;
    const { clock, onEvent } = resilience;
    if (this.#downSince === undefined) return;
    const downMs = clock.now() - this.#downSince;
    emit(onEvent, {
      ...{ type: "reconnected", operation: "serviceBus.subscribe", target: connection.entityPath, downMs },
    });
  }

  #failed(error: Error): void {
    if (!this.isActive) return;
    const { resilience, connection } = this.#receiving;
    const { classify, clock, onEvent } = resilience;
    const { kind } = classify(error, clock.wallNow());
    if (this.#trouble === undefined) {
      this.#downSince = clock.now();
      const inFlight = this.#work.underWay;
      emit(onEvent, {
        type: "disconnected",
        operation: "serviceBus.subscribe",
        target: connection.entityPath,
        inFlight,
      });
    }
    const failures = (this.#trouble?.failures ?? 0) + 1;
    this.#trouble = { failures, kind, downMs: clock.now() - (this.#downSince ?? clock.now()) };
    if (!isWorthTelling(this.#trouble)) return;
    if (clock.now() - this.#reportedAt < reportEveryMs && failures > 2) return;
    this.#reportedAt = clock.now();
    this.#work.report(error, "receive");
  }

  #pace(scope: Attempt): Promise<void> | undefined {
    const { clock, random } = this.#receiving.resilience;
    const ms = this.#trouble === undefined || scope.number === 1 ? 0 : reattachAfter(this.#trouble, random);
    if (ms === 0) return undefined;
    return new Promise((resolve) => {
      const stop = clock.after(ms, resolve);
      scope.signal.addEventListener("abort", stop);
    });
  }

  /** Replaces a link before the engine's buffer fills behind a message that is held (gap 5). */
  #rotate(link: ReceiverLink): void {
    if (this.#link !== link || !this.isActive) return;
    this.#link = undefined;
    void this.#retired.add(link);
    this.#open(undefined);
  }

  #lost(link: ReceiverLink): void {
    this.#receiving.lost(link);
    this.#retired.lost(link);
  }

  /** A message came: the official client asks for the next when the promise resolves. */
  #take(message: ServiceBusReceivedMessage, link: ReceiverLink): Promise<void> {
    this.#watch.heard();
    this.#receiving.hold(message, link);
    if (link.span >= longestSpan) this.#rotate(link);
    return this.#work.handle(message);
  }
}
