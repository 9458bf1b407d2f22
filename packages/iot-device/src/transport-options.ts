import { createPrivateKey } from "node:crypto";
import type { InnerTransport } from "./inner-transport.ts";
import type { DeviceClientOptions, TransportConfigured } from "./official.ts";

/** Gives a new transport the client's options. */
export async function configure(inner: InnerTransport, given: DeviceClientOptions): Promise<unknown> {
  const { official } = inner;
  if (official.setOptions === undefined) return undefined;
  const options = inner.protocol === "amqp" ? withReadableKey(given) : given;
  // The HTTP transport never calls back unless a way of polling is among the options.
  if (inner.protocol === "http" && options.http?.receivePolicy === undefined) {
    official.setOptions(options, () => undefined);
    return undefined;
  }
  return inner.call<TransportConfigured>((done) => {
    official.setOptions?.(options, done);
  });
}

/** The official AMQP transport forgets the passphrase over TCP, so the key is decrypted for it. */
function withReadableKey(options: DeviceClientOptions): DeviceClientOptions {
  const { key, passphrase } = options;
  if (typeof key !== "string" || passphrase === undefined) return options;
  const readable = createPrivateKey({ key, passphrase }).export({ type: "pkcs8", format: "pem" });
  return { ...options, key: readable.toString() };
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
