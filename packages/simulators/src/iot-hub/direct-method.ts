import { randomUUID } from "node:crypto";
import type { Hub } from "./hub.ts";
import { hubErrors } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";
import type { MethodEntry } from "./journal-entries.ts";

/** A method call as a service makes it. */
export interface MethodRequest {
  readonly name: string;
  readonly payload?: unknown;
  /** How long to wait for the device's answer, in milliseconds. Default 30 000. */
  readonly responseTimeoutMs?: number;
  /** How long to wait for the device to connect and subscribe, in milliseconds. Default 0. */
  readonly connectTimeoutMs?: number;
}

/** What the device answered. */
export interface MethodResult {
  readonly status: number;
  readonly payload: unknown;
}

/** The calls that wait for an answer. */
export class DirectMethods {
  readonly #hub: Hub;
  readonly #waiting = new Map<string, { key: string; answer: (result: MethodResult) => void }>();

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /**
   * Calls a method of a device or module.
   * @throws HubFailure 404001, 404103 (not connected or not subscribed), 504101 (no answer)
   */
  async invoke(key: string, request: MethodRequest): Promise<MethodResult> {
    const hub = this.#hub;
    hub.identity(key);
    const entry: MethodEntry = hub.ledgers.methods.add({
      at: hub.clock.now(),
      device: key,
      name: request.name,
      payload: request.payload,
      requestId: randomUUID(),
    });
    try {
      await this.#connected(key, request.connectTimeoutMs ?? 0);
      const result = await this.#answered(key, request, entry);
      entry.answeredAt = hub.clock.now();
      entry.status = result.status;
      entry.response = result.payload;
      return result;
    } catch (error) {
      if (error instanceof HubFailure && error.error.code !== undefined) {
        entry.code = error.error.code;
        hub.writeLog("DirectMethods", "send", key, error.error);
      }
      throw error;
    }
  }

  /** A device has answered; answers to calls that nobody waits for any more are dropped. */
  answer(key: string, requestId: string, result: MethodResult): void {
    const waiting = this.#waiting.get(requestId);
    if (waiting?.key === key) waiting.answer(result);
  }

  #connected(key: string, timeoutMs: number): Promise<void> {
    const { presence, timers } = this.#hub;
    const isReady = (): boolean => presence.of(key)?.takesMethods === true;
    if (isReady()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const unwatch = presence.watch(key, () => {
        if (!isReady()) return;
        unwatch();
        cancel();
        resolve();
      });
      const cancel = timers.after(timeoutMs, () => {
        unwatch();
        const what = presence.of(key) === undefined ? "connect" : "subscribe";
        reject(new HubFailure(hubErrors.deviceNotOnline, `Timed out waiting for device to ${what}.`));
      });
    });
  }

  #answered(key: string, request: MethodRequest, entry: MethodEntry): Promise<MethodResult> {
    const { presence, timers, clock } = this.#hub;
    const { requestId } = entry;
    return new Promise((resolve, reject) => {
      const cancel = timers.after(request.responseTimeoutMs ?? 30_000, () => {
        this.#waiting.delete(requestId);
        reject(new HubFailure(hubErrors.gatewayTimeout));
      });
      this.#waiting.set(requestId, {
        key,
        answer: (result) => {
          this.#waiting.delete(requestId);
          cancel();
          resolve(result);
        },
      });
      entry.sentAt = clock.now();
      presence.of(key)?.sendMethod({ requestId, name: request.name, payload: request.payload ?? null });
    });
  }
}
