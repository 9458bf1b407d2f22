import type { InnerTransport } from "./inner-transport.ts";
import type { DeviceClientOptions, TransportConfigured } from "./official.ts";

/** Gives a new transport the client's options. */
export function configure(inner: InnerTransport, options: DeviceClientOptions): Promise<unknown> {
  const { official } = inner;
  if (official.setOptions === undefined) return Promise.resolve();
  // The HTTP transport never calls back unless a way of polling is among the options.
  if (inner.protocol === "http" && options.http?.receivePolicy === undefined) {
    official.setOptions(options, () => undefined);
    return Promise.resolve();
  }
  return inner.call<TransportConfigured>((done) => {
    official.setOptions?.(options, done);
  });
}

/**
 * Over MQTT a token is renewed by connecting again, and the official transport would do so without its subscriptions. Ours is
 * a new transport instead, with everything on it. AMQP renews in place.
 */
export function renewByReplacing(inner: InnerTransport, replace: () => void): void {
  if (inner.protocol !== "mqtt") return;
  inner.provider.removeAllListeners("newTokenAvailable");
  inner.provider.on("newTokenAvailable", replace);
}
