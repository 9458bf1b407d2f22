import type { RandomSource } from "../random.ts";

/** Narrows a rule of the script. */
export interface FaultScope {
  /** Only events of this entity (case-insensitive). Default: every entity. */
  readonly entity?: string;
  /** Only connections by this transport, e.g. `tls`; for step `connect` where a service has several. Default: all. */
  readonly transport?: string;
}

/** Narrows a rule of the script and says how often it fires. */
export interface NextFaultScope extends FaultScope {
  /** How many events in a row are hit. Default 1. */
  readonly times?: number;
}

/** One rule of a fault script: how often it has fired, and a way to take it back. */
export interface FaultRule {
  /** How often this rule has decided the fate of an event. */
  readonly fired: number;
  /** Takes the rule out of the script. Harmless when it is already spent. */
  remove(): void;
}

type Trigger = (seen: number) => boolean;

interface Rule<Fault> extends FaultRule {
  fired: number;
  readonly fault: Fault;
  readonly entity: string | undefined;
  readonly transport: string | undefined;
  readonly priority: number;
  readonly triggers: Trigger;
  seen: number;
  remaining: number;
}

/** `next` outranks `every`, which outranks `probability`, which outranks `always`: the narrowest intention wins. */
const priority = { next: 0, every: 1, probability: 2, always: 3 } as const;

/**
 * What goes wrong, where and when. Generic over the steps of a service: `Faults` maps each step to the faults
 * that can happen there. The simulator asks {@link take} at every step; everything else is for the test author.
 */
export class FaultScript<Faults extends object> {
  readonly #rules = new Map<keyof Faults, Rule<Faults[keyof Faults]>[]>();
  readonly #random: RandomSource;
  readonly #accepts: (step: keyof Faults, fault: Faults[keyof Faults]) => void;

  /**
   * @param random - decides {@link probability}; seeded, so a run can be repeated
   * @param accepts - throws when a fault cannot happen at a step (callers without types get this far)
   */
  constructor(
    random: RandomSource,
    accepts: (step: keyof Faults, fault: Faults[keyof Faults]) => void = () => undefined,
  ) {
    this.#random = random;
    this.#accepts = accepts;
  }

  /** The next event of `step` (or the next `times` of them) meets `fault`. Calls queue up in order. */
  next<Step extends keyof Faults>(step: Step, fault: Faults[Step], scope: NextFaultScope = {}): FaultRule {
    const times = scope.times ?? 1;
    if (!Number.isInteger(times) || times < 1) {
      throw new RangeError(`faults.next: times must be an integer of at least 1, got ${String(times)}`);
    }
    return this.#add(step, fault, scope, "next", () => true, times);
  }

  /** Every event of `step` meets `fault`, until {@link clear}. */
  always<Step extends keyof Faults>(step: Step, fault: Faults[Step], scope: FaultScope = {}): FaultRule {
    return this.#add(step, fault, scope, "always", () => true);
  }

  /** The n-th, 2n-th, 3n-th … event of `step` from now on meets `fault`. */
  every<Step extends keyof Faults>(
    n: number,
    step: Step,
    fault: Faults[Step],
    scope: FaultScope = {},
  ): FaultRule {
    if (!Number.isInteger(n) || n < 1) {
      throw new RangeError(`faults.every: n must be an integer of at least 1, got ${String(n)}`);
    }
    return this.#add(step, fault, scope, "every", (seen) => seen % n === 0);
  }

  /** Each event of `step` meets `fault` with probability `p` (0 … 1), decided by the simulator's seed. */
  probability<Step extends keyof Faults>(
    p: number,
    step: Step,
    fault: Faults[Step],
    scope: FaultScope = {},
  ): FaultRule {
    if (!(p >= 0 && p <= 1)) {
      throw new RangeError(`faults.probability: p must be between 0 and 1, got ${String(p)}`);
    }
    return this.#add(step, fault, scope, "probability", () => this.#random() < p);
  }

  /** Forgets every rule, or those of one step. */
  clear(step?: keyof Faults): void {
    if (step === undefined) this.#rules.clear();
    else this.#rules.delete(step);
  }

  /** The fate of one event. Every rule in scope sees the event; the first that triggers, by priority, decides. */
  take<Step extends keyof Faults>(step: Step, entity?: string, transport?: string): Faults[Step] | undefined {
    const rules = this.#rules.get(step);
    if (rules === undefined) return undefined;
    let chosen: Rule<Faults[keyof Faults]> | undefined;
    for (const rule of rules) {
      if (rule.entity !== undefined && rule.entity !== entity?.toLowerCase()) continue;
      if (rule.transport !== undefined && rule.transport !== transport) continue;
      rule.seen += 1;
      const triggered = rule.triggers(rule.seen);
      if (triggered && chosen === undefined) chosen = rule;
    }
    if (chosen === undefined) return undefined;
    chosen.fired += 1;
    chosen.remaining -= 1;
    if (chosen.remaining === 0) chosen.remove();
    return chosen.fault as Faults[Step];
  }

  #add<Step extends keyof Faults>(
    step: Step,
    fault: Faults[Step],
    scope: FaultScope,
    kind: keyof typeof priority,
    triggers: Trigger,
    times = Infinity,
  ): FaultRule {
    this.#accepts(step, fault);
    const rules = this.#rules.get(step) ?? [];
    this.#rules.set(step, rules);
    const rule: Rule<Faults[keyof Faults]> = {
      fault,
      entity: scope.entity?.toLowerCase(),
      transport: scope.transport,
      priority: priority[kind],
      triggers,
      seen: 0,
      fired: 0,
      remaining: times,
      remove: () => {
        const index = rules.indexOf(rule);
        if (index >= 0) rules.splice(index, 1);
      },
    };
    const after = rules.findIndex((other) => other.priority > rule.priority);
    rules.splice(after < 0 ? rules.length : after, 0, rule);
    return rule;
  }
}
