import { HoldfastError, type Fault } from "@holdfast/core";
import type { InnerTransport } from "./inner-transport.ts";
import { kicked, noKicks } from "./kick-detector.ts";
import { connectionLost } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";

/** Watches for somebody else with this device's identity, and says for how long to leave it to them. */
export class IdentityWatch {
  readonly #resilience: Resilience;
  #state = noKicks;

  constructor(resilience: Resilience) {
    this.#resilience = resilience;
  }

  /** What the loss of a connection means: the other side's closing it, time and again, means another owner. */
  judge(inner: InnerTransport, error: unknown, identity: string): unknown {
    const { clock, kicks, kicksWithinMs, classify } = this.#resilience;
    if (inner.connectedAt === undefined || !isClosedByPeer(error)) return error;
    const now = clock.now();
    this.#state = kicked(this.#state, now, now - inner.connectedAt, { kicks, kicksWithinMs });
    if (!this.#state.isHeld) {
      // Once is no proof: the table's row for it must not hold the connection back yet.
      const { kind } = classify(error, clock.wallNow());
      return kind === "duplicate-identity" ? connectionLost(error) : error;
    }
    return new HoldfastError(
      "duplicate-identity",
      `Another connection uses the identity ${identity}: the hub closed this one ` +
        `${String(this.#state.kicks.length)} times within a short time.`,
      { cause: error },
    );
  }

  /** The fault table, with the time to stay away. */
  classify(error: unknown, wallNowMs: number): Fault {
    const { classify, holdMs } = this.#resilience;
    const fault = classify(error, wallNowMs);
    const isOurs =
      error instanceof HoldfastError && error.code === "duplicate-identity" && this.#state.isHeld;
    return isOurs ? { ...fault, hintMs: holdMs } : fault;
  }
}

function isClosedByPeer(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A reset has a code, a closed socket only this text; AMQP names the thief.
  return "code" in error && error.code !== undefined
    ? false
    : /Connection to the server has been closed|link:stolen|409002/.test(error.message);
}
