import type { DropKind } from "../faults/socket-faults.ts";
import type { HubError } from "./hub-error.ts";
import type { Identity } from "./identity.ts";
import type { HubProtocol } from "./journal-entries.ts";
import type { JsonObject } from "./twin.ts";

/** A method call on its way to a device. */
export interface MethodCall {
  readonly requestId: string;
  readonly name: string;
  readonly payload: unknown;
}

/** A device or module that is connected, whatever the protocol. */
export interface DeviceConnection {
  readonly id: number;
  readonly protocol: HubProtocol;
  readonly identity: Identity;
  /** Whether it has asked for method calls. */
  readonly takesMethods: boolean;
  /** Whether it has asked for changes of desired properties. */
  readonly takesDesired: boolean;
  sendMethod(call: MethodCall): void;
  /** @param patch - with `$version` */
  pushDesired(patch: JsonObject): void;
  /** The hub ends the connection and, where the protocol can, says why. */
  close(error: HubError): void;
  /** Ends the connection without a word. */
  drop(how: DropKind, because: string): void;
  /** Carries out a fault that the device has asked for; false when the protocol has nothing like it. */
  inject(operation: string, reason: string): boolean;
}

/** Who is connected. A device has one connection: a new one ends the old one. */
export class Presence {
  readonly #live = new Map<string, DeviceConnection>();
  readonly #watchers = new Map<string, Set<() => void>>();

  of(key: string): DeviceConnection | undefined {
    return this.#live.get(key);
  }

  /** @returns the connection that it replaces */
  arrive(connection: DeviceConnection): DeviceConnection | undefined {
    const { key } = connection.identity;
    const former = this.#live.get(key);
    this.#live.set(key, connection);
    this.changed(key);
    return former === connection ? undefined : former;
  }

  leave(connection: DeviceConnection): void {
    const { key } = connection.identity;
    if (this.#live.get(key) === connection) this.#live.delete(key);
  }

  /** Tells those who wait that a device has come or subscribed. */
  changed(key: string): void {
    for (const tell of [...(this.#watchers.get(key) ?? [])]) tell();
  }

  /** Calls `tell` whenever the device comes or subscribes; the returned function ends it. */
  watch(key: string, tell: () => void): () => void {
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers);
    watchers.add(tell);
    return () => {
      watchers.delete(tell);
      if (watchers.size === 0) this.#watchers.delete(key);
    };
  }
}
