import type { RetryOptions, ServiceBusClient, ServiceBusRuleManager } from "@azure/service-bus";
import { ConnectionPool } from "./connection-pool.ts";
import { EntityConnection } from "./entity-connection.ts";
import { LockKeeper } from "./lock-keeper.ts";
import { parseReceiverArguments, type ReceiverArguments } from "./receiver-arguments.ts";
import { Receiver, type ServiceBusReceiver } from "./receiver.ts";
import { RuleManager } from "./subscription-rules.ts";
import { SessionAcceptor } from "./session-acceptor.ts";
import type { SessionArguments } from "./session-arguments.ts";
import type { ServiceBusSessionReceiver } from "./session-receiver.ts";
import type { Resilience } from "./resilience.ts";

/** Makes an inner official client with these retry options. */
export type MakeClient = (retryOptions: RetryOptions) => ServiceBusClient;

// The official loop of a subscription cannot be switched off, but it waits so long before it goes on that ours has taken
// over (design-spike 1). Below the longest delay a timer takes.
const never = 2_000_000_000;

/** Everything that receives for one client: its connections, its receivers, the locks it holds. */
export class ReceivingSide {
  readonly #pool: ConnectionPool;
  readonly #fullyQualifiedNamespace: string;
  readonly #resilience: Resilience;
  readonly #keeper: LockKeeper;
  readonly #receivers = new Set<Receiver>();
  readonly #ruleManagers = new Set<RuleManager>();
  readonly #sessions: SessionAcceptor;

  constructor(
    make: MakeClient,
    fullyQualifiedNamespace: string,
    resilience: Resilience,
    retryOptions: RetryOptions | undefined,
  ) {
    this.#fullyQualifiedNamespace = fullyQualifiedNamespace;
    this.#resilience = resilience;
    const { clock, tokensPerConnection, policy } = resilience;
    // The official client's timer for a settlement outlives the link and the client, and holds the process up.
    const timeoutInMs = Math.min(60_000, policy("serviceBus.settle").attemptTimeoutMs);
    const inner = { maxRetries: 0, retryDelayInMs: never, timeoutInMs };
    this.#pool = new ConnectionPool(() => make({ ...inner }), clock, tokensPerConnection);
    this.#keeper = new LockKeeper(resilience);
    this.#sessions = new SessionAcceptor(
      make,
      retryOptions?.timeoutInMs,
      this.#keeper,
      resilience,
      this.#fullyQualifiedNamespace,
    );
  }

  /** @throws what the official createReceiver throws. */
  createReceiver(given: ReceiverArguments): ServiceBusReceiver {
    const { audience, make, settings } = parseReceiverArguments(given);
    const connection = new EntityConnection(this.#pool, audience, make, this.#resilience);
    const fullyQualifiedNamespace = this.#fullyQualifiedNamespace;
    const receiver = new Receiver(
      connection,
      this.#keeper,
      { ...settings, fullyQualifiedNamespace },
      this.#resilience,
      () => this.#receivers.delete(receiver),
    );
    this.#receivers.add(receiver);
    return receiver;
  }

  /** Whether there is anything to close. */
  get isInUse(): boolean {
    return this.#receivers.size > 0 || this.#ruleManagers.size > 0 || this.#sessions.isInUse;
  }

  /** @throws what the official createRuleManager throws. */
  createRuleManager(topicName: string, subscriptionName: string): ServiceBusRuleManager {
    const { audience, make } = parseReceiverArguments([topicName, subscriptionName]);
    const connection = new EntityConnection(this.#pool, audience, make, this.#resilience);
    const manager = new RuleManager(connection, topicName, subscriptionName, this.#resilience);
    this.#ruleManagers.add(manager);
    return manager;
  }

  /** @throws what the official accept methods reject with. */
  acceptSession(given: SessionArguments): Promise<ServiceBusSessionReceiver> {
    return this.#sessions.accept(given);
  }

  /** The client identifies itself anew: the next links are made on new connections. */
  outdate(): void {
    this.#pool.outdate();
  }

  /** Closes all receivers, then the connections. */
  async close(): Promise<void> {
    await Promise.all([...[...this.#receivers].map((receiver) => receiver.close()), this.#sessions.close()]);
    for (const manager of this.#ruleManagers) manager.end();
    this.#keeper.close();
    await this.#pool.close();
  }
}
