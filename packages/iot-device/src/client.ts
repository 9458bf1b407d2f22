import {
  Client as OfficialClient,
  type DeviceMethodRequest,
  type DeviceMethodResponse,
} from "azure-iot-device";
import { isBypassed, type ClientOptions } from "./client-options.ts";
import {
  fromConnectionString,
  fromProvider,
  fromSharedAccessSignature,
  type Credentials,
} from "./credentials.ts";
import { guardedHandler } from "./guarded-handler.ts";
import { emitOf } from "./listeners.ts";
import {
  answer,
  officially,
  type AuthenticationProvider,
  type Callback,
  type Disconnected,
  type Message,
  type MessageEnqueued,
  type TransportConstructor,
} from "./official.ts";
import { resilienceFrom } from "./resilience.ts";
import { noRetry, optionsFrom, type RetryPolicy } from "./retry-policy.ts";
import { SteadyTransport } from "./steady-transport.ts";

/** The transport of a client that is not bypassed. Not a field: a bypassed client is an official object of our class. */
const transports = new WeakMap<object, SteadyTransport>();

/**
 * The official `Client` over a connection that comes back: after a reset, a closed socket, an outage, a refused first
 * connection, for as long as it takes, with everything that was subscribed. Every operation has an end, and `close()` is
 * one. It goes wherever the official type is asked for.
 */
export class Client extends OfficialClient {
  /** As the official factory, and how the client holds. */
  static override fromConnectionString(
    connStr: string,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): Client {
    return make(
      options,
      transportCtor,
      () => fromConnectionString(connStr),
      (Transport) => OfficialClient.fromConnectionString(connStr, Transport),
    );
  }

  /** As the official factory, and how the client holds. */
  static override fromSharedAccessSignature(
    sharedAccessSignature: string,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): Client {
    return make(
      options,
      transportCtor,
      () => fromSharedAccessSignature(sharedAccessSignature),
      (Transport) => OfficialClient.fromSharedAccessSignature(sharedAccessSignature, Transport),
    );
  }

  /** As the official factory, and how the client holds. The provider serves one connection after the other. */
  static override fromAuthenticationProvider(
    authenticationProvider: AuthenticationProvider,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): Client {
    return make(
      options,
      transportCtor,
      () => fromProvider(authenticationProvider),
      (Transport) => OfficialClient.fromAuthenticationProvider(authenticationProvider, Transport),
    );
  }

  override sendEvent(message: Message, sendEventCallback: Callback<MessageEnqueued>): void;
  override sendEvent(message: Message): Promise<MessageEnqueued>;
  /** Sends; done once the hub has acknowledged. A resend carries the same messageId. */
  override sendEvent(message: Message, callback?: Callback<MessageEnqueued>): Promise<MessageEnqueued> {
    const transport = transports.get(this);
    if (transport === undefined) return officially(OfficialClient, "sendEvent", this, [message, callback]);
    return answer(transport.send(message), callback);
  }

  override close(closeCallback: Callback<Disconnected>): void;
  override close(): Promise<Disconnected>;
  /** Ends the connection within two seconds, whatever the hub does; only `open()` makes a new one. */
  override close(callback?: Callback<Disconnected>): Promise<Disconnected> {
    const transport = transports.get(this);
    if (transport === undefined) return officially(OfficialClient, "close", this, [callback]);
    // Past the official method, which takes the "disconnect" handlers away for good.
    return answer(
      new Promise((resolve, reject) => {
        transport.disconnect((error, result) => {
          if (error == null) resolve(result as Disconnected);
          else reject(error);
        });
      }),
      callback,
    );
  }

  /** Maps the official policy to ours; see `optionsFrom` for the table. The connection comes back whatever it says. */
  override setRetryPolicy(policy: RetryPolicy): void {
    const transport = transports.get(this);
    // Checks it as ever.
    super.setRetryPolicy(policy);
    if (transport === undefined) return;
    transport.resilience.adopt(optionsFrom(policy));
    super.setRetryPolicy(noRetry);
  }

  /** As the official method; a handler that throws or rejects is answered with 500. */
  override onDeviceMethod(
    methodName: string,
    callback: (request: DeviceMethodRequest, response: DeviceMethodResponse) => void,
  ): void {
    const transport = transports.get(this);
    if (transport === undefined || typeof callback !== "function") {
      super.onDeviceMethod(methodName, callback);
      return;
    }
    super.onDeviceMethod(
      methodName,
      guardedHandler(callback, (error) => {
        transport.tellFailed("method", error);
      }),
    );
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const transport = transports.get(this);
    if (transport === undefined) return super.emit(event, ...args);
    const official = (...all: [string | symbol, ...unknown[]]): boolean => super.emit(...all);
    return emitOf(this, official, event, args, (error) => {
      transport.tellFailed(typeof event === "string" ? event : "client", error);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function make(
  options: ClientOptions,
  transportCtor: unknown,
  credentials: () => Credentials,
  official: (Transport: unknown) => OfficialClient,
): Client {
  if (isBypassed(options)) return Object.setPrototypeOf(official(transportCtor), Client.prototype) as Client;
  if (typeof transportCtor !== "function") official(transportCtor); // Throws what the official factory throws.
  const transport = new SteadyTransport(
    transportCtor as TransportConstructor,
    credentials(),
    resilienceFrom(options.resilience === false ? {} : (options.resilience ?? {})),
  );
  const client = new Client(transport);
  transports.set(client, transport);
  OfficialClient.prototype.setRetryPolicy.call(client, noRetry);
  return client;
}
