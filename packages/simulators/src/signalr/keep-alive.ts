import type { Connection } from "./connection.ts";

/** Pings a silent connection's client, and gives up a client that is silent for too long. */
export class KeepAlive {
  readonly #connection: Connection;
  readonly #ping: () => void;
  readonly #timedOut: (sentence: string) => void;
  #lastSent: number;
  #lastReceived: number;
  #cancel = (): void => undefined;

  constructor(connection: Connection, ping: () => void, timedOut: (sentence: string) => void) {
    this.#connection = connection;
    this.#ping = ping;
    this.#timedOut = timedOut;
    this.#lastSent = this.#lastReceived = connection.beginning.simulation.clock.now();
  }

  sent(): void {
    this.#lastSent = this.#connection.beginning.simulation.clock.now();
  }

  received(): void {
    this.#lastReceived = this.#connection.beginning.simulation.clock.now();
  }

  /** Long polling needs no pings: its polls come and go. */
  start(): void {
    if (this.#connection.transport?.name !== "LongPolling") this.#tick();
  }

  stop(): void {
    this.#cancel();
  }

  #tick(): void {
    const { clock, settings, timers } = this.#connection.beginning.simulation;
    const { keepAliveMs, clientTimeoutMs } = settings;
    const untilPing = this.#lastSent + keepAliveMs - clock.now();
    const untilTimeout = this.#lastReceived + clientTimeoutMs - clock.now();
    const wait = Math.min(untilPing, untilTimeout);
    if (wait === Infinity) return;
    this.#cancel = timers.after(Math.max(1, wait), () => {
      const now = clock.now();
      // A client whose transport is being replaced cannot be heard.
      if (this.#connection.transport === undefined) this.#lastReceived = now;
      if (now - this.#lastReceived >= clientTimeoutMs) {
        this.#timedOut(
          `Client hasn't sent a message/ping within the configured ${String(clientTimeoutMs)} ms.`,
        );
        return;
      }
      if (now - this.#lastSent >= keepAliveMs) {
        this.sent();
        this.#ping();
      }
      this.#tick();
    });
  }
}
