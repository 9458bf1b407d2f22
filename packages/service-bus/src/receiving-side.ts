import type { ServiceBusRuleManager } from "@azure/service-bus";
import type { ConnectionPool } from "./connection-pool.ts";
import { EntityConnection } from "./entity-connection.ts";
import { LockKeeper } from "./lock-keeper.ts";
import { parseReceiverArguments, type ReceiverArguments } from "./receiver-arguments.ts";
import { Receiver, type ServiceBusReceiver } from "./receiver.ts";
import { RuleManager } from "./subscription-rules.ts";
import { SessionAcceptor } from "./session-acceptor.ts";
import type { SessionArguments } from "./session-arguments.ts";
import type { ServiceBusSessionReceiver } from "./session-receiver.ts";
import type { Resilience } from "./resilience.ts";

/** Everything that receives for one client: its connections, its receivers, the locks it holds. */
export class ReceivingSide {
  readonly #pool: ConnectionPool;
  readonly #fullyQualifiedNamespace: string;
  readonly #resilience: Resilience;
  readonly #keeper: LockKeeper;
  readonly #receivers = new Set<Receiver>();
  readonly #ruleManagers = new Set<RuleManager>();
  readonly #sessions: SessionAcceptor;

  /**
   * @param pools - whoever made them closes them.
   * @param acceptTimeoutMs - how long an accept waits for the service, which waits so long for the next session.
   */
  constructor(
    pools: { readonly receiving: ConnectionPool; readonly sessions: ConnectionPool },
    fullyQualifiedNamespace: string,
    resilience: Resilience,
    acceptTimeoutMs: number,
  ) {
    this.#fullyQualifiedNamespace = fullyQualifiedNamespace;
    this.#resilience = resilience;
    this.#pool = pools.receiving;
    this.#keeper = new LockKeeper(resilience);
    this.#sessions = new SessionAcceptor(
      pools.sessions,
      acceptTimeoutMs,
      this.#keeper,
      resilience,
      this.#fullyQualifiedNamespace,
    );
  }

  /** @throws what the official createReceiver throws. */
  createReceiver(given: ReceiverArguments): ServiceBusReceiver {
    const { audience, maker, settings } = parseReceiverArguments(given);
    const connection = new EntityConnection(this.#pool, audience, maker, this.#resilience);
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
    const { audience, maker } = parseReceiverArguments([topicName, subscriptionName]);
    const connection = new EntityConnection(this.#pool, audience, maker, this.#resilience);
    const manager = new RuleManager(connection, topicName, subscriptionName, this.#resilience);
    this.#ruleManagers.add(manager);
    return manager;
  }

  /** @throws what the official accept methods reject with. */
  acceptSession(given: SessionArguments): Promise<ServiceBusSessionReceiver> {
    return this.#sessions.accept(given);
  }

  /** Closes all receivers; the connections stay. */
  async close(): Promise<void> {
    await Promise.all([...[...this.#receivers].map((receiver) => receiver.close()), this.#sessions.close()]);
    for (const manager of this.#ruleManagers) manager.end();
    this.#keeper.close();
  }
}
