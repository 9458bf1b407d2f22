import type { HubConnection as OfficialConnection } from "@microsoft/signalr";

// The official signature: what a hub calls with is not known here.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Handler = (...args: any[]) => any;

/** The user's handlers, which outlive the official connections that call them. */
export class Handlers {
  /** `this` of a handler is the connection that the user knows. */
  readonly #self: object;
  /** By method, in lower case as the official client has it; each handler with what is registered for it. */
  readonly #methods = new Map<string, Map<Handler, Handler>>();

  constructor(self: object) {
    this.#self = self;
  }

  /** @returns what is to be registered with a connection that stands; undefined when it is registered already. */
  add(method: string, handler: Handler): Handler | undefined {
    const key = method.toLowerCase();
    const handlers = this.#methods.get(key) ?? new Map<Handler, Handler>();
    if (handlers.has(handler)) return undefined;
    const self = this.#self;
    const bound: Handler = (...args) => handler.apply(self, args) as unknown;
    handlers.set(handler, bound);
    this.#methods.set(key, handlers);
    return bound;
  }

  /** @returns what is to be removed from a connection that stands. */
  remove(method: string, handler: Handler | undefined): readonly Handler[] {
    const key = method.toLowerCase();
    const handlers = this.#methods.get(key);
    if (handlers === undefined) return [];
    const removed = [...handlers].filter(([given]) => handler === undefined || given === handler);
    for (const [given] of removed) handlers.delete(given);
    if (handlers.size === 0) this.#methods.delete(key);
    return removed.map(([, bound]) => bound);
  }

  /** Gives all of them to a new connection. */
  attach(hub: OfficialConnection): void {
    for (const [method, handlers] of this.#methods) {
      for (const bound of handlers.values()) hub.on(method, bound);
    }
  }
}
