import { systemClock } from "@holdfast/core";
import { AmqpsSocket } from "./amqps-socket.ts";
import { rememberedWays } from "./remembered-ways.ts";
import type { WebSocketClass, WebSocketLike } from "./web-socket-like.ts";

/** Whom the choice of another way is told. */
export type FellBack = (host: string, because: Error) => void;

type Way = "amqps" | "websockets";

// How long the preferred way is alone, in milliseconds. Longer than a handshake over any sound line takes, shorter than
// anybody's patience; within what RFC 8305, section 8, allows between two attempts (2 s).
const headStartMs = 1_000;

// A peer that does not answer a farewell within this, in milliseconds, is gone.
const farewellMs = 2_000;

const nothing = (): void => undefined;

/**
 * The class for the official `webSocketOptions` by which a connection finds its own way: AMQP over TLS on port 5671, and
 * where that is refused, cut or silent, AMQP in WebSockets on port 443. The first that opens carries the connection; what
 * worked is remembered for the process.
 */
export function eitherSocket(webSocket: WebSocketClass, fellBack: FellBack): WebSocketClass {
  return class extends EitherSocket {
    constructor(url: string, protocols: string[], options: unknown) {
      super(url, fellBack, {
        amqps: () => new AmqpsSocket(url, options),
        websockets: () => new webSocket(url, protocols, options),
      });
    }
  };
}

/** Two ways of which one is taken. */
class EitherSocket implements WebSocketLike {
  readonly url: string;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly #host: string;
  readonly #fellBack: FellBack;
  readonly #make: Readonly<Record<Way, () => WebSocketLike>>;
  readonly #attempts = new Map<Way, WebSocketLike>();
  readonly #errors = new Map<Way, unknown>();
  /** Ways not tried yet, in order. */
  readonly #left: Way[];
  #stopWaiting = nothing;
  #taken: WebSocketLike | undefined;
  /** False while nothing has come: what opens and then says nothing was opened by something between us and the service. */
  #isProven = false;
  #openedAt = Infinity;
  #isClosed = false;

  constructor(url: string, fellBack: FellBack, make: Readonly<Record<Way, () => WebSocketLike>>) {
    this.url = url;
    this.#host = new URL(url).host;
    this.#fellBack = fellBack;
    this.#make = make;
    this.#left = rememberedWays.prefersWebSockets(this.#host)
      ? ["websockets", "amqps"]
      : ["amqps", "websockets"];
    this.#next();
  }

  send(data: Uint8Array): void {
    this.#taken?.send(data);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWaiting();
    const taken = this.#taken;
    if (taken === undefined) {
      this.#abandonAll();
      this.onclose?.();
      return;
    }
    // The engine's patience was over before the service had said a word.
    if (systemClock.now() - this.#openedAt >= headStartMs) this.#doubt(undefined);
    taken.close();
    // An error, because the engine stops its timers on it.
    this.#stopWaiting = systemClock.after(farewellMs, () => {
      taken.terminate?.();
      this.onerror?.(new Error("ECONNABORTED: the service did not answer the end of the connection."));
    });
  }

  #next(): void {
    this.#stopWaiting();
    const way = this.#left.shift();
    if (way === undefined) return;
    if (this.#left.length > 0) {
      this.#stopWaiting = systemClock.after(headStartMs, () => {
        this.#next();
      });
    }
    try {
      this.#try(way, this.#make[way]());
    } catch (error) {
      this.#failed(way, error);
    }
  }

  #try(way: Way, socket: WebSocketLike): void {
    this.#attempts.set(way, socket);
    // `ws` and browsers have it; an ArrayBuffer can be seen as bytes without a copy.
    if (socket.binaryType !== undefined) socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#opened(way, socket);
    };
    socket.onerror = (error) => {
      this.#failed(way, error);
    };
    socket.onclose = (event) => {
      this.#failed(way, event);
    };
  }

  #opened(way: Way, socket: WebSocketLike): void {
    this.#stopWaiting();
    this.#taken = socket;
    this.#openedAt = systemClock.now();
    this.#attempts.delete(way);
    this.#abandonAll();
    if (way === "websockets") {
      this.#isProven = true;
      this.#prefer(this.#errors.get("amqps"));
    }
    this.#carry(socket);
    this.onopen?.();
  }

  #carry(socket: WebSocketLike): void {
    socket.onmessage = ({ data }) => {
      if (!this.#isProven) {
        this.#isProven = true;
        rememberedWays.forget(this.#host);
      }
      this.onmessage?.({ data: data instanceof ArrayBuffer ? Buffer.from(data) : data });
    };
    socket.onerror = (error) => {
      this.#stopWaiting();
      this.#doubt(error);
      this.onerror?.(error);
    };
    socket.onclose = (event) => {
      this.#stopWaiting();
      this.#doubt(event);
      this.onclose?.(event);
    };
  }

  #failed(way: Way, error: unknown): void {
    if (this.#errors.has(way)) return;
    this.#errors.set(way, error);
    const attempt = this.#attempts.get(way);
    if (attempt !== undefined) abandon(attempt);
    this.#attempts.delete(way);
    if (this.#left.length > 0) {
      this.#next();
    } else if (this.#attempts.size === 0) {
      // Neither works, so nothing has been learnt.
      rememberedWays.forget(this.#host);
      this.#isClosed = true;
      const reported = this.#errors.get("amqps") ?? error;
      // Not while the engine is still setting up its handlers.
      queueMicrotask(() => this.onerror?.(reported));
    }
  }

  /** It ends. */
  #doubt(because: unknown): void {
    if (!this.#isProven) this.#prefer(because);
  }

  #prefer(because: unknown): void {
    if (rememberedWays.prefersWebSockets(this.#host)) return;
    rememberedWays.preferWebSockets(this.#host);
    const error = because instanceof Error ? because : new Error("ETIMEDOUT: no answer on AMQP's own port.");
    this.#fellBack(this.#host, error);
  }

  #abandonAll(): void {
    for (const attempt of this.#attempts.values()) abandon(attempt);
    this.#attempts.clear();
    this.#left.length = 0;
  }
}

function abandon(socket: WebSocketLike): void {
  // Handlers that do nothing instead of none: `ws` throws an error that nobody hears.
  socket.onopen = socket.onmessage = socket.onclose = socket.onerror = nothing;
  if (socket.terminate === undefined) socket.close();
  else socket.terminate();
}
