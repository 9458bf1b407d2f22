import { isBypassed, type ClientOptions } from "./client-options.ts";
import type { Credentials } from "./credentials.ts";
import { emitOf } from "./listeners.ts";
import type {
  AuthenticationProvider,
  Connected,
  Disconnected,
  Message,
  MessageEnqueued,
  TransportConstructor,
} from "./official.ts";
import { Outbox } from "./outbox.ts";
import { resilienceFrom, type Resilience } from "./resilience.ts";
import { optionsFrom, type RetryPolicy } from "./retry-policy.ts";
import { SteadyTransport } from "./steady-transport.ts";

/** What a client that is not bypassed has beside the official one's parts; the same for devices and modules. */
export class Holding {
  readonly transport: SteadyTransport;
  readonly resilience: Resilience;
  #outbox: Outbox | undefined;

  constructor(Transport: TransportConstructor, credentials: Credentials, resilience: Resilience) {
    this.resilience = resilience;
    this.transport = new SteadyTransport(Transport, credentials, resilience);
    this.#outbox = this.#makeOutbox();
  }

  /**
   * For the official factory, in place of the transport's class: so the client is made by the official code, with all its
   * other parts, over our transport.
   */
  get Transport(): new (provider: AuthenticationProvider) => SteadyTransport {
    const hold = (provider: AuthenticationProvider): SteadyTransport => {
      this.transport.ownProvider = provider;
      return this.transport;
    };
    // A constructor that returns an object is asked for that object.
    return function (provider: AuthenticationProvider) {
      return hold(provider);
    } as unknown as new (provider: AuthenticationProvider) => SteadyTransport;
  }

  get outbox(): Outbox | undefined {
    return this.#outbox;
  }

  /** Sends, through the outbox where the options say so. */
  send(message: Message, output?: string): Promise<MessageEnqueued> {
    if (this.#outbox === undefined || this.resilience.outbox?.sendEvent === false) {
      return this.transport.send(message, output);
    }
    return this.#outbox.send(message, output);
  }

  async open(): Promise<Connected> {
    if (this.transport.link.isClosed) this.#outbox = this.#makeOutbox();
    const opened = new Promise<Connected>((resolve, reject) => {
      this.transport.connect((error, result) => {
        if (error == null) resolve(result as Connected);
        else reject(error);
      });
    });
    // What an earlier process left goes out as soon as there is a connection.
    await this.#outbox?.open();
    return opened;
  }

  async close(): Promise<Disconnected> {
    const closed = new Promise<Disconnected>((resolve) => {
      this.transport.disconnect((_error, result) => {
        resolve(result as Disconnected);
      });
    });
    await this.#outbox?.close();
    (this.transport.ownProvider as { stop?(): void } | undefined)?.stop?.();
    return closed;
  }

  adopt(policy: RetryPolicy): void {
    this.resilience.adopt(optionsFrom(policy));
  }

  /** The client's `emit`, which listeners that throw cannot break. */
  emit(
    client: Parameters<typeof emitOf>[0],
    official: Parameters<typeof emitOf>[1],
    event: string | symbol,
    args: readonly unknown[],
  ): boolean {
    return emitOf(client, official, event, args, (error) => {
      this.transport.tellFailed(typeof event === "string" ? event : "client", error);
    });
  }

  #makeOutbox(): Outbox | undefined {
    const { outbox } = this.resilience;
    if (outbox === undefined) return undefined;
    const { transport } = this;
    return new Outbox(
      outbox,
      {
        get device() {
          return transport.link.name;
        },
        get isConnected() {
          return transport.link.current !== undefined;
        },
        send: (message, output, signal) => transport.send(message, output, "iot.outbox", signal),
        whenConnected: (signal) => transport.link.whenConnected(signal),
      },
      this.resilience,
    );
  }
}

/** Makes one, or nothing for a client that is to be left as it is. */
export function holdingFor(
  options: ClientOptions,
  transportCtor: unknown,
  credentials: () => Credentials,
): Holding | undefined {
  if (isBypassed(options) || typeof transportCtor !== "function") return undefined;
  const { resilience } = options;
  return new Holding(
    transportCtor as TransportConstructor,
    credentials(),
    resilienceFrom(resilience === false ? {} : (resilience ?? {})),
  );
}
