import type { EventEmitter } from "node:events";
import type { Clock } from "@holdfast/core";
import type { Provider } from "./credentials.ts";
import { unmisnamed } from "./official-errors.ts";
import type { Callback, Connected, OfficialTransport, TransportConstructor } from "./official.ts";
import { destroySocket, protocolOf, type Protocol } from "./transport-internals.ts";

/** What the hub sends by itself, switched on and off. */
export const features = ["C2D", "Methods", "TwinDesiredPropertiesUpdates", "InputMessages"] as const;

export type Feature = (typeof features)[number];

/** How long a `disconnect()` may take before the socket is destroyed, in milliseconds. */
const gracefulMs = 500;

/** From the destruction of a socket until everybody above it has heard, in milliseconds. */
const socketEndMs = 10;

/**
 * One official transport with a provider of its own: made for one connection, and thrown away with it. It is never asked
 * for anything afterwards, for it would connect again by itself.
 */
export class InnerTransport {
  readonly official: OfficialTransport;
  readonly provider: Provider;
  readonly protocol: Protocol;
  readonly enabled = new Set<Feature>();
  /** Grows with every answer: shows that a silent operation is not a silent connection. */
  heard = 0;
  /** What the official `connect` answered. */
  connected: Connected | undefined;
  /** When it was connected, on our clock. */
  connectedAt: number | undefined;
  readonly #pending = new Set<(error: unknown) => void>();
  #whenIdle: (() => void) | undefined;
  #lost: { readonly error: unknown } | undefined;

  constructor(Transport: TransportConstructor, provider: Provider) {
    this.provider = provider;
    this.official = new Transport(provider);
    this.protocol = protocolOf(this.official);
    // The official client listens too; without a listener an "error" would end the process.
    (this.official as EventEmitter).on("error", () => undefined);
  }

  /** Operations that have no answer yet. */
  get inFlight(): number {
    return this.#pending.size;
  }

  async connect(clock: Clock): Promise<void> {
    try {
      this.connected = await this.call<Connected>((done) => {
        this.official.connect(done);
      });
      this.connectedAt = clock.now();
    } catch (error) {
      throw unmisnamed(error);
    }
  }

  /** One call of the official transport. It also ends when the connection is lost: official twin requests would not. */
  call<T>(work: (done: Callback<T>) => void): Promise<T> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost.error);
    return new Promise<T>((resolve, reject) => {
      this.#pending.add(reject);
      const end = (): void => {
        this.#pending.delete(reject);
        if (this.#pending.size === 0) this.#whenIdle?.();
      };
      try {
        work((error, result) => {
          end();
          this.heard += 1;
          // The official callbacks pass null for "no error".
          if (error == null) resolve(result as T);
          else reject(error);
        });
      } catch (error) {
        end();
        reject(error);
      }
    });
  }

  /** Switches a feature on, or off. */
  async toggle(feature: Feature, on: boolean): Promise<void> {
    if (this.enabled.has(feature) === on) return;
    await this.call<unknown>((done) => {
      this.official[`${on ? "enable" : "disable"}${feature}`](done);
    });
    if (on) this.enabled.add(feature);
    else this.enabled.delete(feature);
  }

  /** It is lost: everything in flight fails with this error. */
  lose(error: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = { error };
    for (const reject of this.#pending) reject(error);
    this.#pending.clear();
    this.#whenIdle?.();
  }

  /**
   * Ends it: lets what is in flight finish for `drainMs`, says goodbye, and destroys the socket. In that order while the
   * connection is sound; a lost one loses its socket first, or nothing pending on it would ever end.
   */
  async discard(drainMs: number, clock: Clock, closed: Error): Promise<void> {
    if (this.#lost === undefined) await this.#drain(drainMs, clock);
    const isSound = this.#lost === undefined && this.#pending.size === 0;
    this.lose(closed);
    this.provider.removeAllListeners("newTokenAvailable");
    if (!isSound) {
      destroySocket(this.official);
      // The official parts must see the socket's end before they are asked to disconnect, or they wait for acknowledgements
      // that do not come, on timers that keep the process alive.
      await new Promise<void>((resolve) => clock.after(socketEndMs, resolve));
    }
    await this.#disconnect(clock);
    destroySocket(this.official);
    this.provider.stop?.();
    (this.official as EventEmitter).removeAllListeners();
    (this.official as EventEmitter).on("error", () => undefined);
  }

  #drain(ms: number, clock: Clock): Promise<void> {
    if (this.#pending.size === 0 || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = clock.after(ms, resolve);
      this.#whenIdle = () => {
        stop();
        resolve();
      };
    });
  }

  #disconnect(clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      const stop = clock.after(gracefulMs, resolve);
      const done = (): void => {
        stop();
        resolve();
      };
      try {
        this.official.disconnect(done);
      } catch {
        done();
      }
    });
  }
}
