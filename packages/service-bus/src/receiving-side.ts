import type { RetryOptions, ServiceBusClient } from "@azure/service-bus";
import { ConnectionPool } from "./connection-pool.ts";
import { EntityConnection } from "./entity-connection.ts";
import { LockKeeper } from "./lock-keeper.ts";
import { parseReceiverArguments, type ReceiverArguments } from "./receiver-arguments.ts";
import { Receiver, type ServiceBusReceiver } from "./receiver.ts";
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

  constructor(
    make: MakeClient,
    fullyQualifiedNamespace: string,
    resilience: Resilience,
    _retryOptions: RetryOptions | undefined,
  ) {
    this.#fullyQualifiedNamespace = fullyQualifiedNamespace;
    this.#resilience = resilience;
    const { clock, tokensPerConnection, policy } = resilience;
    // The official client's timer for a settlement outlives the link and the client, and holds the process up.
    const timeoutInMs = Math.min(60_000, policy("serviceBus.settle").attemptTimeoutMs);
    const retryOptions = { maxRetries: 0, retryDelayInMs: never, timeoutInMs };
    this.#pool = new ConnectionPool(() => make({ ...retryOptions }), clock, tokensPerConnection);
    this.#keeper = new LockKeeper(resilience);
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

  /** Closes all receivers, then the connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#receivers].map((receiver) => receiver.close()));
    this.#keeper.close();
    await this.#pool.close();
  }
}
