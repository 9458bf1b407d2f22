import * as official from "@azure/service-bus";
import { badOption, systemClock } from "@holdfast/core";
import { bypassed, bypassedReceiver } from "./bypassed.ts";
import { closeClient } from "./connection-pool.ts";
import { innerTimeouts } from "./connections.ts";
import { DeadLetters } from "./dead-letters.ts";
import { checkConnectionString } from "./connection-string.ts";
import { withSignatureExpiry } from "./signature-expiry.ts";
import { isCredential, withCredentialFaults, type Access, type Credential } from "./credentials.ts";
import { EntitySenders } from "./entity-senders.ts";
import type { Handler } from "./message-work.ts";
import type { ProcessorOptions } from "./processor-options.ts";
import type { Processor } from "./processor.ts";
import type { MessageSource } from "./message-source.ts";
import { createProcessor, createSessionProcessor } from "./processors.ts";
import type { SessionProcessorOptions } from "./session-processor-options.ts";
import type { SessionProcessor } from "./session-processor.ts";
import type { SessionContext } from "./session-service.ts";
import { resilienceFrom, type Resilience, type ResilienceOptions } from "./resilience.ts";
import { namespaceOf, officialArguments } from "./official-arguments.ts";
import { clientClosedError } from "./official-errors.ts";
import type { ReceiverArguments, ServiceBusReceiverOptions } from "./receiver-arguments.ts";
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
import { holdConnections, type ConnectionsHold } from "./shared-connections.ts";
import type { Transport } from "./transport.ts";

/** The official options, and ours. */
export interface ServiceBusClientOptions extends official.ServiceBusClientOptions {
  /**
   * How the client holds. Left out: the defaults. `false`: the official client's own behaviour, unchanged; so does the
   * environment variable `HOLDFAST_BYPASS=1` for every client of the process, for incidents.
   */
  readonly resilience?: ResilienceOptions | false;
  /**
   * `"websockets"`: over port 443, where 5671 is closed, through the proxy that `HTTPS_PROXY` names unless `NO_PROXY` excepts
   * the namespace. `"auto"`: over 5671, and where that is refused, cut or silent for a second, over WebSockets; what worked is
   * remembered for ten minutes, for all clients of the process. Default `"tcp"`, or WebSockets when the official
   * `webSocketOptions` ask for them.
   */
  readonly transport?: Transport;
}

/** What only a client that is not bypassed has. */
interface Holding {
  readonly resilience: Resilience;
  readonly hold: ConnectionsHold;
  readonly entities: EntitySenders;
  readonly senders: Set<Sender>;
  readonly receiving: ReceivingSide;
}

/**
 * The official `ServiceBusClient` whose senders and receivers hold: an outage, a drop, throttling or a lost answer is retried
 * under a policy, a permanent error fails fast, locks are kept, links come back, and `close()` lets work in hand finish. Beside
 * it stand processors and dead letters. It goes wherever the official type is asked for.
 */
export class ServiceBusClient extends official.ServiceBusClient {
  readonly #holding: Holding | undefined;
  readonly #processors = new Set<Processor | SessionProcessor>();
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
    const { resilience = {}, retryOptions } = options;
    const isBypassed = resilience === false || process.env["HOLDFAST_BYPASS"] === "1";
    if (!isBypassed && credential === undefined) checkConnectionString(host);
    const access: Access = { host, credential };
    // Connects when first used, which is never unless it is bypassed.
    super(...officialArguments(access, options, retryOptions));
    if (isBypassed) return;
    const known = resilienceFrom(resilience, retryOptions, namespaceOf(access));
    const classify = withSignatureExpiry(
      withCredentialFaults(known.classify),
      () => this.#holding?.hold.connections.access ?? access,
    );
    const settings: Resilience = { ...known, classify };
    const hold = holdConnections(access, options, settings);
    const { sending, receiving, sessions } = hold.connections;
    this.#holding = {
      resilience: settings,
      hold,
      entities: new EntitySenders(sending, settings),
      senders: new Set(),
      receiving: new ReceivingSide(
        { receiving, sessions },
        this.fullyQualifiedNamespace,
        settings,
        innerTimeouts(settings, retryOptions).acceptMs,
      ),
    };
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
   * The dead letters of a queue or subscription: to look at, to send again, to remove.
   *
   * @param options - `transfer: true` for what could not be forwarded from there.
   */
  deadLetters(source: MessageSource, options: { readonly transfer?: boolean } = {}): DeadLetters {
    return new DeadLetters(this, source, options, this.#holding?.resilience.clock ?? systemClock);
  }

  /**
   * A receiver whose links come back, whose locks are kept for up to `maxAutoLockRenewalDurationInMs` (default 300 000), and
   * whose settlements are confirmed; `lockSignal(message)` tells a handler that its lock is lost.
   */
  override createReceiver(queueName: string, options?: ServiceBusReceiverOptions): ServiceBusReceiver;
  override createReceiver(
    topicName: string,
    subscriptionName: string,
    options?: ServiceBusReceiverOptions,
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

  /**
   * A processor, running: it hands messages to `handler`, settles them, has failed ones come again later, and stops when the
   * client is closed.
   *
   * ```ts
   * const processor = client.createProcessor("orders", async (message, { signal }) => { … }, { concurrency: 16 });
   * await processor.stop(); // lets handlers finish
   * ```
   *
   * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
   */
  createProcessor(source: MessageSource, handler: Handler, options: ProcessorOptions = {}): Processor {
    if (this.isClosed) throw clientClosedError();
    const { resilience } = this.#holding ?? {};
    const processor = createProcessor(this, source, handler, options, resilience, (over) => {
      this.#processors.delete(over);
    });
    this.#processors.add(processor);
    return processor;
  }

  /** A session processor, running: as {@link createProcessor}, for the messages of so many sessions at once, each in order. */
  createSessionProcessor(
    source: MessageSource,
    handler: Handler<SessionContext>,
    options: SessionProcessorOptions = {},
  ): SessionProcessor {
    if (this.isClosed) throw clientClosedError();
    const { resilience } = this.#holding ?? {};
    const processor = createSessionProcessor(this, source, handler, options, resilience, (over) => {
      this.#processors.delete(over);
    });
    this.#processors.add(processor);
    return processor;
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
  override async acceptSession(entity: string, ...rest: AcceptRest): Promise<ServiceBusSessionReceiver> {
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

  /**
   * Identifies the client anew while it works: after keys were rotated, for example. Sends move to new connections at once,
   * and what is under way on the old ones ends there; receivers keep their links as long as the service lets them, and open
   * the next with what is new.
   *
   * @param access - a connection string of the same namespace, or another credential.
   * @throws HoldfastError `misconfigured` for a connection string of another namespace, or a bypassed client.
   */
  updateCredential(access: string | Credential): void {
    if (this.#holding === undefined)
      throw badOption("updateCredential", typeof access, "left out when bypassed");
    if (this.isClosed) throw clientClosedError();
    this.#holding.hold.connections.update(access);
  }

  /**
   * Lets sends in hand finish for up to `closeTimeoutMs`, then closes senders, receivers and connections.
   * A second call waits for the first.
   */
  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
    // Not a turn later when there is none: senders take no more from this moment.
    if (this.#processors.size > 0) await Promise.all([...this.#processors].map((one) => one.stop()));
    if (this.#holding === undefined) return super.close();
    const { hold, entities, senders, resilience, receiving } = this.#holding;
    // Handlers may send: the senders go on until they are through.
    if (receiving.isInUse) await receiving.close();
    await Promise.all([...senders].map((sender) => sender.drain()));
    entities.end();
    // Links end with their connections, unless others are left there.
    if (!hold.isLast) await entities.close();
    await Promise.all([
      receiving.close().then(() => hold.leave()),
      closeClient(this, () => super.close(), resilience.clock),
    ]);
  }
}
