import * as official from "@azure/service-bus";
import { systemClock } from "@holdfast/core";
import { bypassed, bypassedReceiver } from "./bypassed.ts";
import { closeClient, ConnectionPool } from "./connection-pool.ts";
import { DeadLetters } from "./dead-letters.ts";
import { EntitySenders } from "./entity-senders.ts";
import { resilienceFrom, type Resilience, type ResilienceOptions } from "./resilience.ts";
import { clientClosedError } from "./official-errors.ts";
import type { ReceiverArguments } from "./receiver-arguments.ts";
import type { ServiceBusReceiver } from "./receiver.ts";
import {
  nextSession,
  sessionById,
  type AcceptNextRest,
  type AcceptRest,
  type ServiceBusSessionReceiverOptions,
  type SessionArguments,
} from "./session-arguments.ts";
import type { ServiceBusSessionReceiver } from "./session-receiver.ts";
import { ReceivingSide } from "./receiving-side.ts";
import { Sender, type ServiceBusSender, type ServiceBusSenderOptions } from "./sender.ts";

/** The official options, and ours. */
export interface ServiceBusClientOptions extends official.ServiceBusClientOptions {
  /**
   * How the client holds. Left out: the defaults. `false`: the official client's own behaviour, unchanged; so does the
   * environment variable `HOLDFAST_BYPASS=1` for every client of the process, for incidents.
   */
  readonly resilience?: ResilienceOptions | false;
}

/** TokenCredential, NamedKeyCredential or SASCredential: what the official constructor takes. */
type Credential = ConstructorParameters<typeof official.ServiceBusClient>[1];

/** What only a client that is not bypassed has. */
interface Holding {
  readonly resilience: Resilience;
  readonly pool: ConnectionPool;
  readonly entities: EntitySenders;
  readonly senders: Set<Sender>;
  readonly receiving: ReceivingSide;
}

/**
 * The official `ServiceBusClient` with senders that hold: an outage, a drop in mid-send, throttling or a lost
 * acknowledgement is retried under a policy, a permanent error fails fast, and `close()` lets work in hand finish.
 * Receivers are the official ones. It goes wherever the official type is asked for.
 */
export class ServiceBusClient extends official.ServiceBusClient {
  readonly #holding: Holding | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param connectionString - of the namespace or the entity.
   * @throws HoldfastError `misconfigured` for a bad `resilience`; otherwise what the official constructor throws.
   */
  constructor(connectionString: string, options?: ServiceBusClientOptions);
  /**
   * @param fullyQualifiedNamespace - `<name>.servicebus.windows.net`.
   * @param credential - from `@azure/identity`, or a named key, or a shared access signature.
   * @throws as above.
   */
  constructor(fullyQualifiedNamespace: string, credential: Credential, options?: ServiceBusClientOptions);
  constructor(
    host: string,
    credentialOrOptions?: Credential | ServiceBusClientOptions,
    optionsAfterCredential?: ServiceBusClientOptions,
  ) {
    const credential = isCredential(credentialOrOptions) ? credentialOrOptions : undefined;
    const options =
      (credential === undefined
        ? (credentialOrOptions as ServiceBusClientOptions | undefined)
        : optionsAfterCredential) ?? {};
    // The receivers' connection, with the user's own retryOptions; it connects when first used.
    super(...officialArguments(host, credential, options, options.retryOptions));
    const { resilience = {}, retryOptions } = options;
    if (resilience === false || process.env["HOLDFAST_BYPASS"] === "1") return;
    const settings = resilienceFrom(resilience, retryOptions, namespaceOf(host, credential));
    // One retry loop: ours. The inner bound is a net far below the attempt timeouts, which abort through the signal.
    const inner = { maxRetries: 0, timeoutInMs: 300_000 };
    const make = (): official.ServiceBusClient =>
      new official.ServiceBusClient(
        ...officialArguments(host, credential, { ...options, identifier: this.identifier }, inner),
      );
    const pool = new ConnectionPool(make, settings.clock, settings.tokensPerConnection);
    const entities = new EntitySenders(pool, settings);
    const receiving = new ReceivingSide(
      (retry) =>
        new official.ServiceBusClient(
          ...officialArguments(host, credential, { ...options, identifier: this.identifier }, retry),
        ),
      this.fullyQualifiedNamespace,
      settings,
      retryOptions,
    );
    this.#holding = { resilience: settings, pool, entities, senders: new Set(), receiving };
  }

  /** True once `close()` was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** A sender whose operations are retried; see `sendMessages` for what is promised. */
  override createSender(queueOrTopicName: string, options: ServiceBusSenderOptions = {}): ServiceBusSender {
    if (this.#holding === undefined) return bypassed(super.createSender(queueOrTopicName, options));
    if (this.isClosed) throw clientClosedError();
    const { entities, resilience, senders } = this.#holding;
    const sender = new Sender(entities, queueOrTopicName, options, resilience, () => senders.delete(sender));
    senders.add(sender);
    return sender;
  }

  /**
   * The dead letters of a queue: to look at, to send again, to remove.
   *
   * @param options - `transfer: true` for what could not be forwarded from there.
   */
  deadLetters(queueName: string, options?: { readonly transfer?: boolean }): DeadLetters;
  /** The dead letters of a subscription. */
  deadLetters(
    topicName: string,
    subscriptionName: string,
    options?: { readonly transfer?: boolean },
  ): DeadLetters;
  deadLetters(
    entity: string,
    subscriptionOrOptions?: string | { readonly transfer?: boolean },
    optionsOfSubscription?: { readonly transfer?: boolean },
  ): DeadLetters {
    const clock = this.#holding?.resilience.clock ?? systemClock;
    const source =
      typeof subscriptionOrOptions === "string"
        ? { entity, subscription: subscriptionOrOptions, ...optionsOfSubscription }
        : { entity, ...subscriptionOrOptions };
    return new DeadLetters(this, source, clock);
  }

  /**
   * A receiver whose links come back, whose locks are kept for up to `maxAutoLockRenewalDurationInMs` (default 300 000), and
   * whose settlements are confirmed; `lockSignal(message)` tells a handler that its lock is lost.
   */
  override createReceiver(
    queueName: string,
    options?: official.ServiceBusReceiverOptions,
  ): ServiceBusReceiver;
  override createReceiver(
    topicName: string,
    subscriptionName: string,
    options?: official.ServiceBusReceiverOptions,
  ): ServiceBusReceiver;
  override createReceiver(...given: ReceiverArguments): ServiceBusReceiver {
    if (this.#holding === undefined) return bypassedReceiver(super.createReceiver(...(given as [string])));
    if (this.isClosed) throw clientClosedError();
    return this.#holding.receiving.createReceiver(given);
  }

  /** The rules of a subscription; calls are retried. */
  override createRuleManager(topicName: string, subscriptionName: string): official.ServiceBusRuleManager {
    if (this.#holding === undefined) return super.createRuleManager(topicName, subscriptionName);
    if (this.isClosed) throw clientClosedError();
    return this.#holding.receiving.createRuleManager(topicName, subscriptionName);
  }

  /** A session by its id, locked for us until it is closed or lost; `whenHeld: "wait"` waits for it. */
  override acceptSession(
    queueName: string,
    sessionId: string,
    options?: ServiceBusSessionReceiverOptions,
  ): Promise<ServiceBusSessionReceiver>;
  override acceptSession(
    topicName: string,
    subscriptionName: string,
    sessionId: string,
    options?: ServiceBusSessionReceiverOptions,
  ): Promise<ServiceBusSessionReceiver>;
  override acceptSession(entity: string, ...rest: AcceptRest): Promise<ServiceBusSessionReceiver> {
    return this.#accept(sessionById(entity, rest), () => super.acceptSession(entity, ...(rest as [string])));
  }

  /** The next session that is free, waiting for one as long as `retryOptions.timeoutInMs` (default 60 000) says. */
  override acceptNextSession(
    queueName: string,
    options?: ServiceBusSessionReceiverOptions,
  ): Promise<ServiceBusSessionReceiver>;
  override acceptNextSession(
    topicName: string,
    subscriptionName: string,
    options?: ServiceBusSessionReceiverOptions,
  ): Promise<ServiceBusSessionReceiver>;
  override acceptNextSession(entity: string, ...rest: AcceptNextRest): Promise<ServiceBusSessionReceiver> {
    return this.#accept(nextSession(entity, rest), () => super.acceptNextSession(entity, ...(rest as [])));
  }

  async #accept(
    given: SessionArguments,
    officially: () => Promise<official.ServiceBusSessionReceiver>,
  ): Promise<ServiceBusSessionReceiver> {
    if (this.#holding === undefined) return bypassedReceiver(await officially());
    if (this.isClosed) throw clientClosedError();
    return this.#holding.receiving.acceptSession(given);
  }

  async #close(): Promise<void> {
    if (this.#holding === undefined) return super.close();
    const { pool, entities, senders, resilience, receiving } = this.#holding;
    // Handlers may send: the senders go on until they are through.
    if (receiving.isInUse) await receiving.close();
    await Promise.all([...senders].map((sender) => sender.drain()));
    entities.end();
    await Promise.all([pool.close(), closeClient(this, () => super.close(), resilience.clock)]);
  }
}

/** What the service counts by: the namespace, with its port where several share a host. */
function namespaceOf(host: string, credential: Credential | undefined): string {
  const endpoint = credential === undefined ? official.parseServiceBusConnectionString(host).endpoint : host;
  return endpoint
    .replace(/^\w+:\/\//, "")
    .replace(/\/.*$/, "")
    .toLowerCase();
}

/** The official constructor's arguments, with options of its own: it writes into what it is given. */
function officialArguments(
  host: string,
  credential: Credential | undefined,
  options: ServiceBusClientOptions,
  retryOptions: official.ServiceBusClientOptions["retryOptions"],
): [string, never] {
  const { resilience: _ours, retryOptions: _theirs, ...rest } = options;
  const fresh = retryOptions == null ? rest : { ...rest, retryOptions: { ...retryOptions } };
  // Both forms are legal; the overloads of the official constructor cannot express a choice between them.
  return (credential === undefined ? [host, fresh] : [host, credential, fresh]) as unknown as [string, never];
}

/** As the official client tells credentials from options. */
function isCredential(value: unknown): value is Credential {
  if (typeof value !== "object" || value === null) return false;
  return "getToken" in value || ("key" in value && "name" in value) || "signature" in value;
}
