import type { DropKind } from "../faults/socket-faults.ts";
import type { Command, CommandContent } from "./command.ts";
import type { MethodRequest, MethodResult } from "./direct-method.ts";
import type { Hub } from "./hub.ts";
import { hubErrors } from "./hub-error.ts";
import type { Authentication } from "./identity.ts";
import { updateDesired } from "./twin-operations.ts";
import type { JsonObject } from "./twin.ts";

/** A message to a device, as a test gives it. */
export interface CommandInput extends Omit<CommandContent, "body" | "expiresAt"> {
  /** Text is sent as UTF-8. */
  readonly body: string | Buffer;
  /** Time to live, in milliseconds. Default: that of the hub's options. */
  readonly ttlMs?: number;
}

/** A device or module, to look into and to act upon as a service would, without a service's client. */
export class DeviceControl {
  readonly #hub: Hub;
  readonly #key: string;

  /** @internal */
  constructor(hub: Hub, key: string) {
    this.#hub = hub;
    this.#key = key;
    hub.identity(key);
  }

  /** Whether it is connected over MQTT or AMQP. */
  get isConnected(): boolean {
    return this.#hub.presence.of(this.#key) !== undefined;
  }

  /** Whether it is connected and has asked for method calls. */
  get takesMethods(): boolean {
    return this.#hub.presence.of(this.#key)?.takesMethods === true;
  }

  /** Whether it is connected and has asked for changes of desired properties. */
  get takesDesired(): boolean {
    return this.#hub.presence.of(this.#key)?.takesDesired === true;
  }

  /** Messages in its queue, delivered ones that are not settled included. */
  get queueDepth(): number {
    return this.#identity.queue?.depth ?? 0;
  }

  /** Its desired properties, with `$version`. */
  get desired(): JsonObject {
    return this.#identity.twin.section("desired");
  }

  /** Its reported properties, with `$version`. */
  get reported(): JsonObject {
    return this.#identity.twin.section("reported");
  }

  /** Its keys or thumbprints. */
  get authentication(): Authentication {
    return this.#identity.authentication;
  }

  /** Sends a cloud-to-device message. @throws an error with `error.code` 403004 when the queue is full */
  send({ body, ttlMs, ...content }: CommandInput): Readonly<Command> {
    const { queue } = this.#identity;
    if (queue === undefined)
      throw new TypeError(`send: "${this.#key}" is a module; only devices have a queue`);
    if (typeof body !== "string" && !Buffer.isBuffer(body)) {
      throw new TypeError(`send: body must be a string or a Buffer, got ${typeof body}`);
    }
    return queue.enqueue({
      ...content,
      body: typeof body === "string" ? Buffer.from(body) : body,
      ...(ttlMs === undefined ? {} : { expiresAt: this.#hub.clock.wallNow() + ttlMs }),
    });
  }

  /**
   * Calls a direct method.
   * @throws an error whose `error.code` is 404103 (not connected or not subscribed) or 504101 (no answer)
   */
  invoke(
    name: string,
    payload: unknown = null,
    timeouts: Omit<MethodRequest, "name" | "payload"> = {},
  ): Promise<MethodResult> {
    return this.#hub.methods.invoke(this.#key, { name, payload, ...timeouts });
  }

  /** Merges a patch into the desired properties; null removes. A connected device is told. @returns the new version */
  updateDesired(patch: JsonObject): number {
    return updateDesired(this.#hub, this.#identity, patch);
  }

  /** Disables it: it is not let in any more, and disconnected. */
  disable(): void {
    this.#identity.status = "disabled";
    this.#identity.touch();
    this.#hub.presence.of(this.#key)?.close(hubErrors.authenticationFailed);
  }

  enable(): void {
    this.#identity.status = "enabled";
    this.#identity.touch();
  }

  /** Drops its connection without a word. @param how - default `reset` */
  drop({ how = "reset" }: { how?: DropKind } = {}): void {
    this.#hub.presence.of(this.#key)?.drop(how, "dropped by the test");
  }

  /** Closes its connection as the hub does when its token has run out. */
  expireToken(): void {
    this.#hub.presence.of(this.#key)?.close(hubErrors.unauthorized);
  }

  /** Forgets its MQTT session: after the next connect it has no subscriptions. */
  forgetSession(): void {
    this.#hub.sessions.delete(this.#key);
  }

  /** Removes every message from its queue. @returns how many */
  purgeQueue(): number {
    return this.#identity.queue?.purge() ?? 0;
  }

  get #identity(): ReturnType<Hub["identity"]> {
    return this.#hub.identity(this.#key);
  }
}
