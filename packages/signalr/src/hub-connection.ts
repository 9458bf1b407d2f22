import {
  HubConnectionState,
  type HubConnection as OfficialConnection,
  type IStreamResult,
} from "@microsoft/signalr";
import { abortErrorOf, emit, onAbort, type AbortSignalLike } from "@holdfast/core";
import { manyConnections, stackHere, warnAloud } from "#platform";
import { makeHub, type Blueprint } from "./blueprint.ts";
import { Calls } from "./calls.ts";
import { noteBy, type Note } from "./failure.ts";
import { Handlers, type Handler } from "./handlers.ts";
import { WireHttpClient } from "./http-client.ts";
import type { HttpSource } from "./http-source.ts";
import { Life } from "./life.ts";
import { Listeners } from "./listeners.ts";
import { countLive } from "./live-connections.ts";
import type { Resilience } from "./resilience.ts";
import { Shell } from "./shell.ts";
import { holdWebLock } from "./web-lock.ts";
import type { UserPolicy } from "./user-policy.ts";
import { onWakeUp } from "./wake-up.ts";

/** What a connection is made from; the builder's business. */
export interface Making {
  /** Never started: it has the address and the timeouts, and checks what they are set to. */
  readonly official: OfficialConnection;
  readonly blueprint: Blueprint;
  readonly resilience: Resilience;
  readonly userPolicy: UserPolicy;
  readonly source: HttpSource;
}

const timeouts = ["serverTimeoutInMilliseconds", "keepAliveIntervalInMilliseconds"] as const;

/** What `start()` takes in addition to nothing. */
export interface StartOptions {
  /** Ends the attempts, and with them the connection: `AbortSignal.timeout(60_000)`, for example. */
  readonly signal?: AbortSignalLike;
}

/**
 * The official `HubConnection` with a connection that comes back: the first start is retried, every loss is followed by a
 * reconnection after a random delay, and `stop()` ends it at once. It goes wherever the official type is asked for. Make
 * one with {@link HubConnectionBuilder}.
 */
export class HubConnection extends Shell {
  readonly #making: Making;
  readonly #handlers = new Handlers(this);
  readonly #closed = new Listeners<[error?: Error]>(this);
  readonly #reconnecting = new Listeners<[error?: Error]>(this);
  readonly #reconnected = new Listeners<[connectionId?: string]>(this);
  readonly #calls: Calls;
  readonly #note: Note;
  readonly #builtAt = stackHere();
  #life: Life | undefined;
  #stopping: Promise<void> | undefined;
  /** Undoes what `start()` has arranged around the connection. */
  #tidy: (() => void) | undefined;

  /** @internal What the builder gives: {@link Making}, which is nobody else's business. */
  constructor(making: object) {
    super();
    this.#making = making as Making;
    const { official, resilience } = this.#making;
    const { clock, classify, calls } = resilience;
    this.#note = noteBy(classify, clock);
    this.#calls = new Calls(official, calls, clock, this.#note, () => this.#life);
    // The official class declares two fields, which accessors of a class may not replace.
    for (const name of timeouts) {
      Object.defineProperty(this, name, {
        ...{ enumerable: true, configurable: true },
        get: () => official[name],
        set: (ms: number) => {
          for (const hub of this.#hubs()) hub[name] = ms;
        },
      });
    }
  }

  /** `Reconnecting` covers the waits between attempts too, and `Connecting` those before the first success. */
  override get state(): HubConnectionState {
    if (this.#stopping !== undefined) return HubConnectionState.Disconnecting;
    if (this.#life === undefined) return HubConnectionState.Disconnected;
    if (this.#life.session !== undefined) return HubConnectionState.Connected;
    return this.#life.wasConnected ? HubConnectionState.Reconnecting : HubConnectionState.Connecting;
  }

  /** Another one after each reconnection. */
  override get connectionId(): string | null {
    return this.#life?.session?.hub.connectionId ?? null;
  }

  /** May be set while not connected, the official one while disconnected or reconnecting; the next attempt goes there. */
  override get baseUrl(): string {
    return this.#making.official.baseUrl;
  }

  override set baseUrl(url: string) {
    for (const hub of this.#hubs()) hub.baseUrl = url;
  }

  /**
   * Resolves when connected. Outages are waited out, for as long as they last; what cannot be mended rejects at once.
   *
   * @throws the official client's error; `failureOf(error)` says what it means. An `AbortError` after `stop()`.
   */
  override async start({ signal }: StartOptions = {}): Promise<void> {
    if (this.state !== HubConnectionState.Disconnected) {
      throw new Error("Cannot start a HubConnection that is not in the 'Disconnected' state.");
    }
    if (signal?.aborted === true) throw abortErrorOf(signal);
    const life = this.#newLife();
    this.#life = life;
    this.#arrange(life);
    const started = life.start(signal);
    // After the waiter in it, which knows the trouble that took the time.
    const stopListening = onAbort(signal, () => void this.stop());
    try {
      await started;
    } finally {
      stopListening();
    }
  }

  /** Ends the connection, an attempt or a wait at once. */
  override stop(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return Promise.resolve();
    this.#stopping ??= this.#end(life);
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** As the official one; see `whileDown`, `idempotent` and `invokeTimeoutMs` for what may be added to it. */
  // The official default; what a hub answers is not known here.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  override invoke<T = any>(methodName: string, ...args: unknown[]): Promise<T> {
    // No more than this between a call and the official client: it is what a call costs.
    const hub = this.#life?.plainHub;
    if (hub === undefined) return this.#calls.invoke<T>(methodName, args);
    return hub.invoke<T>(methodName, ...args).catch(this.#calls.noted);
  }

  /** Resolves when handed to the transport, as the official one: it may be lost all the same. */
  override send(methodName: string, ...args: unknown[]): Promise<void> {
    const hub = this.#life?.plainHub;
    return hub === undefined ? this.#calls.send(methodName, args) : hub.send(methodName, ...args);
  }

  /** As the official one; a stream that a loss has ended is not begun again. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  override stream<T = any>(methodName: string, ...args: unknown[]): IStreamResult<T> {
    const hub = this.#life?.plainHub;
    return hub === undefined ? this.#calls.stream<T>(methodName, args) : hub.stream<T>(methodName, ...args);
  }

  /** Handlers outlive reconnections. */
  override on(methodName: string, newMethod: Handler): void {
    if (!methodName || !(newMethod as unknown)) return;
    const bound = this.#handlers.add(methodName, newMethod);
    if (bound !== undefined) this.#life?.session?.hub.on(methodName, bound);
  }

  override off(methodName: string, method?: Handler): void {
    if (!methodName) return;
    const removed = this.#handlers.remove(methodName, method);
    for (const bound of removed) this.#life?.session?.hub.off(methodName, bound);
  }

  /** Called after `stop()`, and with the error when a reconnection has failed for good. */
  override onclose(callback: (error?: Error) => void): void {
    if (callback as unknown) this.#closed.add(callback);
  }

  override onreconnecting(callback: (error?: Error) => void): void {
    if (callback as unknown) this.#reconnecting.add(callback);
  }

  /** Called after the re-join hook. */
  override onreconnected(callback: (connectionId?: string) => void): void {
    if (callback as unknown) this.#reconnected.add(callback);
  }

  /** Whom to tell what is set: the one that stands, which takes no new address and says so, and the one that remembers. */
  #hubs(): OfficialConnection[] {
    return [this.#life?.session?.hub, this.#making.official].filter((hub) => hub !== undefined);
  }

  #newLife(): Life {
    const { official, blueprint, resilience, userPolicy, source } = this.#making;
    const { rejoin, onServerClose } = resilience;
    const life: Life = new Life({
      ...{ resilience, userPolicy, target: targetOf(this.baseUrl) },
      make: (wire, isFallback, closing) => {
        const client = new WireHttpClient(source, wire);
        const hub = makeHub(blueprint, {
          ...{ url: this.baseUrl, wire, client, isFallback },
          onServerClose: onServerClose === "always" ? undefined : closing,
        });
        for (const name of timeouts) hub[name] = official[name];
        this.#handlers.attach(hub);
        return hub;
      },
      rejoin: (isReconnect) => rejoin(this, { connectionId: this.connectionId ?? undefined, isReconnect }),
      noteLoss: (reason) => {
        this.#note(reason, "unknown");
      },
      onReconnecting: this.#reconnecting.tell,
      onReconnected: () => {
        this.#reconnected.tell(this.connectionId ?? undefined);
      },
      onFailed: (error) => {
        if (this.#life !== life) return;
        this.#dismantle();
        if (life.wasConnected) this.#closed.tell(error as Error);
      },
    });
    return life;
  }

  #arrange(life: Life): void {
    const { webLock, warnAboveConnections, onEvent } = this.#making.resilience;
    const stopWaking = onWakeUp(() => {
      life.wake();
    });
    const release = holdWebLock(webLock);
    const origin = { target: targetOf(this.baseUrl), builtAt: this.#builtAt };
    const uncount = countLive(origin, warnAboveConnections, (event) => {
      warnAloud(manyConnections(event));
      emit(onEvent, event as never);
    });
    this.#tidy = () => {
      stopWaking();
      release();
      uncount();
      this.#calls.end();
    };
  }

  async #end(life: Life): Promise<void> {
    const { wasConnected } = life;
    const stopped = life.stop();
    this.#tidy?.();
    await stopped;
    this.#stopping = undefined;
    this.#life = undefined;
    if (wasConnected) this.#closed.tell();
  }

  #dismantle(): void {
    this.#tidy?.();
    this.#tidy = undefined;
    this.#life = undefined;
  }
}

/** The hub, without what a query may hold. */
function targetOf(url: string): string {
  return url.replace(/[?#].*$/, "");
}
