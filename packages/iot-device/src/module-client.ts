import type { DeviceMethodRequest, DeviceMethodResponse } from "azure-iot-device";
import type { ClientOptions } from "./client-options.ts";
import { fromConnectionString, fromProvider, fromSharedAccessSignature } from "./credentials.ts";
import { guardedHandler } from "./guarded-handler.ts";
import { adoptRetryPolicy, callHeld, held, holdingOf } from "./held-client.ts";
import { holdingFor, type Holding } from "./holding.ts";
import {
  answer,
  officialPackage,
  type AuthenticationProvider,
  type Callback,
  type Connected,
  type Disconnected,
  type Message,
  type MessageEnqueued,
  type TransportConstructor,
} from "./official.ts";
import type { Outbox } from "./outbox.ts";
import type { RetryPolicy } from "./retry-policy.ts";

const Official = officialPackage.ModuleClient;

/**
 * The official `ModuleClient` over a connection that comes back, with its inputs, methods and desired properties; what is
 * said of our `Client` holds for it. `invokeMethod` is the official one.
 */
export class ModuleClient extends Official {
  /** As the official factory; see {@link Client.fromConnectionString} for `options`. */
  static override fromConnectionString(
    connStr: string,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): ModuleClient {
    return make(
      holdingFor(options, transportCtor, () => fromConnectionString(connStr)),
      (Transport) => Official.fromConnectionString(connStr, Transport),
      transportCtor,
    );
  }

  /** As the official factory; see {@link Client.fromConnectionString} for `options`. */
  static override fromSharedAccessSignature(
    sharedAccessSignature: string,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): ModuleClient {
    return make(
      holdingFor(options, transportCtor, () => fromSharedAccessSignature(sharedAccessSignature)),
      (Transport) => Official.fromSharedAccessSignature(sharedAccessSignature, Transport),
      transportCtor,
    );
  }

  /** As the official factory; see {@link Client.fromAuthenticationProvider}. */
  static override fromAuthenticationProvider(
    authenticationProvider: AuthenticationProvider,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): ModuleClient {
    return make(
      holdingFor(options, transportCtor, () => fromProvider(authenticationProvider)),
      (Transport) => Official.fromAuthenticationProvider(authenticationProvider, Transport),
      transportCtor,
    );
  }

  static override fromEnvironment(transportCtor: unknown, callback: Callback<ModuleClient>): void;
  static override fromEnvironment(transportCtor: unknown, options?: ClientOptions): Promise<ModuleClient>;
  /** As the official factory, from what IoT Edge puts into the environment; `options` as with the others. */
  static override fromEnvironment(
    transportCtor: unknown,
    callbackOrOptions?: Callback<ModuleClient> | ClientOptions,
  ): Promise<ModuleClient> {
    const callback = typeof callbackOrOptions === "function" ? callbackOrOptions : undefined;
    const options = typeof callbackOrOptions === "object" ? callbackOrOptions : {};
    return answer(fromEnvironment(transportCtor, options), callback);
  }

  /** The outbox, when `resilience.outbox` is given. */
  get outbox(): Outbox | undefined {
    return holdingOf(this)?.outbox;
  }

  override open(openCallback: Callback<Connected>): void;
  override open(): Promise<Connected>;
  /** Connects, however long it takes; rejects when the hub refuses this device. Calls that come meanwhile share it. */
  override open(callback?: Callback<Connected>): Promise<Connected> {
    return callHeld(this, Official, "open", [], callback, (holding) => holding.open());
  }

  override sendEvent(message: Message, sendEventCallback: Callback<MessageEnqueued>): void;
  override sendEvent(message: Message): Promise<MessageEnqueued>;
  /** Sends; done once the hub has acknowledged. A resend carries the same messageId. */
  override sendEvent(message: Message, callback?: Callback<MessageEnqueued>): Promise<MessageEnqueued> {
    return callHeld(this, Official, "sendEvent", [message], callback, (holding) => holding.send(message));
  }

  override close(closeCallback: Callback<Disconnected>): void;
  override close(): Promise<Disconnected>;
  /** Ends the connection within two seconds, whatever the hub does; only `open()` makes a new one. */
  override close(callback?: Callback<Disconnected>): Promise<Disconnected> {
    // Past the official method, which takes the "disconnect" handlers away for good.
    return callHeld(this, Official, "close", [], callback, (holding) => holding.close());
  }

  /** Maps the official policy to ours; see `optionsFrom` for the table. The connection comes back whatever it says. */
  override setRetryPolicy(policy: RetryPolicy): void {
    adoptRetryPolicy(this, policy, (one) => {
      super.setRetryPolicy(one);
    });
  }

  override sendOutputEvent(output: string, message: Message, callback: Callback<MessageEnqueued>): void;
  override sendOutputEvent(output: string, message: Message): Promise<MessageEnqueued>;
  /** Sends to an output; done once the hub has acknowledged. A resend carries the same messageId. */
  override sendOutputEvent(
    output: string,
    message: Message,
    callback?: Callback<MessageEnqueued>,
  ): Promise<MessageEnqueued> {
    return callHeld(this, Official, "sendOutputEvent", [output, message], callback, (holding) =>
      holding.send(message, output),
    );
  }

  /** As the official method; a handler that throws or rejects is answered with 500. */
  override onMethod(
    methodName: string,
    callback: (request?: DeviceMethodRequest, response?: DeviceMethodResponse) => void,
  ): void {
    const transport = holdingOf(this)?.transport;
    if (transport === undefined || typeof callback !== "function") {
      super.onMethod(methodName, callback);
      return;
    }
    const failed = (error: unknown): void => {
      transport.tellFailed("method", error);
    };
    super.onMethod(methodName, guardedHandler(callback, failed) as typeof callback);
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const official = (...all: [string | symbol, ...unknown[]]): boolean => super.emit(...all);
    return holdingOf(this)?.emit(this, official, event, args) ?? super.emit(event, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function fromEnvironment(transportCtor: unknown, options: ClientOptions): Promise<ModuleClient> {
  let holding: Holding | undefined;
  // The official factory decides where the credentials come from, and gives them to the transport.
  const Transport = function (provider: AuthenticationProvider): unknown {
    holding = holdingFor(options, transportCtor, () => fromProvider(provider));
    const Made = holding?.Transport ?? (transportCtor as TransportConstructor);
    return new Made(provider);
  };
  const made = await Official.fromEnvironment(Transport);
  return make(holding, () => made, transportCtor);
}

function make(
  holding: Holding | undefined,
  official: (Transport: unknown) => InstanceType<typeof Official>,
  transportCtor: unknown,
): ModuleClient {
  return held(official(holding?.Transport ?? transportCtor), ModuleClient, Official, holding);
}
