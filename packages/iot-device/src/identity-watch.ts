import { HoldfastError, type Fault } from "@holdfast/core";
import type { InnerTransport } from "./inner-transport.ts";
import { ended, noKicks } from "./kick-detector.ts";
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
    const how = endOf(error);
    if (inner.connectedAt === undefined || how === undefined) return error;
    const now = clock.now();
    this.#state = ended(this.#state, how, now, now - inner.connectedAt, { kicks, kicksWithinMs });
    if (how === "reset") return error;
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

/** How the other side ended it, if it did: a reset has the system's code, a closed socket only a text; AMQP names the thief. */
function endOf(error: unknown): "closed" | "reset" | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return code === "ECONNRESET" || code === "EPIPE" ? "reset" : undefined;
  const isClosed = /Connection to the server has been closed|link:stolen|409002/.test(error.message);
  return isClosed ? "closed" : undefined;
}
