import * as official from "@azure/service-bus";
import { emit } from "@holdfast/core";
import type { ServiceBusClientOptions } from "./client.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { Credentials, type Access, type Credential } from "./credentials.ts";
import { officialArguments } from "./official-arguments.ts";
import { rememberedMs } from "./remembered-ways.ts";
import type { Resilience } from "./resilience.ts";
import { sendingNetMs } from "./sending-net.ts";

// The official loop of a subscription cannot be switched off, but it waits so long before it goes on that ours has taken
// over (design-spike 1). Below the longest delay a timer takes.
const never = 2_000_000_000;

/** How long an accept waits, in milliseconds: for the next session, at the service. The official client's. */
const acceptTimeoutMs = 60_000;

// Ours comes first: it knows what to do about the connection.
const afterOursMs = 1_000;

/** Bounds that the inner official clients are made with, in milliseconds. */
export interface InnerTimeouts {
  readonly sendMs: number;
  readonly settleMs: number;
  readonly acceptMs: number;
}

export function innerTimeouts(
  resilience: Resilience,
  retryOptions: official.RetryOptions | undefined,
): InnerTimeouts {
  const { policy } = resilience;
  return {
    sendMs: sendingNetMs(resilience),
    // The official client's timer for a settlement outlives the link and the client, and holds the process up.
    settleMs: Math.min(60_000, policy("serviceBus.settle").attemptTimeoutMs + afterOursMs),
    acceptMs: retryOptions?.timeoutInMs ?? acceptTimeoutMs,
  };
}

/** What a client connects by: its credentials, and connections apart for sending, for receiving and for sessions. */
export class Connections {
  readonly sending: ConnectionPool;
  readonly receiving: ConnectionPool;
  readonly sessions: ConnectionPool;
  readonly #credentials: Credentials;

  constructor(access: Access, options: ServiceBusClientOptions, resilience: Resilience) {
    const { clock, random, tokensPerConnection } = resilience;
    const credentials = new Credentials(access, resilience);
    const fellBack = (host: string, because: Error): void => {
      const { kind, id, code } = resilience.classify(because, clock.wallNow());
      emit(resilience.onEvent, {
        ...{ type: "fell-back", operation: "serviceBus.connect", target: host, to: "websockets" },
        ...{ forMs: rememberedMs, fault: { kind, id, code, message: because.message } },
      });
    };
    const make = (
      retry: official.RetryOptions,
      handed: (validForMs: number) => void,
    ): official.ServiceBusClient =>
      new official.ServiceBusClient(
        ...officialArguments(credentials.access(handed), options, retry, fellBack),
      );
    const { sendMs, settleMs, acceptMs } = innerTimeouts(resilience, options.retryOptions);
    const pool = (
      retry: official.RetryOptions,
      ...renewal: [{ renew: () => Promise<number>; random: typeof random }] | []
    ): ConnectionPool =>
      new ConnectionPool((handed) => make(retry, handed), clock, tokensPerConnection, ...renewal);
    this.#credentials = credentials;
    // One retry loop: ours. The inner bound is a net below the attempt timeouts, which abort through the signal.
    this.sending = pool({ maxRetries: 0, timeoutInMs: sendMs }, { renew: () => credentials.renew(), random });
    this.receiving = pool({ maxRetries: 0, retryDelayInMs: never, timeoutInMs: settleMs });
    this.sessions = pool({ maxRetries: 0, timeoutInMs: acceptMs });
  }

  /**
   * Identifies itself anew: sends move to new connections, receivers keep their links and open the next on new ones.
   *
   * @throws HoldfastError `misconfigured` for a connection string that is of another namespace, or cannot be used.
   */
  update(access: string | Credential): void {
    this.#credentials.update(access);
    this.sending.replaceAll();
    this.receiving.outdate();
    this.sessions.outdate();
  }

  /** What it identifies itself with. */
  get access(): Access {
    return this.#credentials.current;
  }

  /** Closes all, each within two seconds. */
  async close(): Promise<void> {
    await Promise.all([this.sending.close(), this.receiving.close(), this.sessions.close()]);
    this.#credentials.close();
  }
}
