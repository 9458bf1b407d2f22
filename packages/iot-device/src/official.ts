import iot from "azure-iot-device";
import type * as official from "azure-iot-device";

// The official package is CommonJS, and Node finds only `Client` among its named exports: everything else comes from
// the default export, here and nowhere else.

/** The official package's run-time exports. */
export const officialPackage = iot;

/** What an official method calls when it is done. */
export type Callback<T> = (error?: Error, result?: T) => void;

/** A transport as the official client wants it: `Mqtt`, `MqttWs`, `Amqp`, `AmqpWs`, `Http`. */
export type OfficialTransport = official.DeviceTransport;

/** The callback of a transport's method. */
export type Done<Method extends "updateSharedAccessSignature" | "complete" | "reject" | "abandon"> =
  Parameters<OfficialTransport[Method]>[1];

/** An authentication provider as the official transports want it. */
export type AuthenticationProvider = Parameters<typeof official.Client.fromAuthenticationProvider>[0];

/** The classes that `azure-iot-device-mqtt` and its siblings export. */
export type TransportConstructor = new (provider: AuthenticationProvider) => OfficialTransport;

export type DeviceClientOptions = official.DeviceClientOptions;
export type Message = official.Message;

/** What the official calls answer with. */
export type Connected = Awaited<ReturnType<official.Client["open"]>>;
export type Disconnected = Awaited<ReturnType<official.Client["close"]>>;
export type MessageEnqueued = Awaited<ReturnType<official.Client["sendEvent"]>>;
export type TransportConfigured = Awaited<ReturnType<official.Client["setOptions"]>>;

/** Answers as every official method does: by the callback when there is one, else by the promise. */
export function answer<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> {
  if (typeof callback !== "function") return promise;
  promise.then(
    (result) => {
      // Out of the promise's reach: what a callback throws is the caller's, as with the official client.
      process.nextTick(callback, null, result);
    },
    (error: unknown) => {
      process.nextTick(callback, error);
    },
  );
  return undefined as unknown as Promise<T>;
}

/** An official method that answers by promise or by callback, with the arguments as they came. */
export function officially<T>(
  Official: { readonly prototype: object },
  method: string,
  client: object,
  args: readonly unknown[],
): Promise<T> {
  const call = Reflect.get(Official.prototype, method) as (...given: unknown[]) => Promise<T>;
  return Reflect.apply(call, client, args);
}
