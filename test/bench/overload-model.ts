// The overload model of policies.md 3.8: a namespace that takes 1000 credits in each fixed second and asks whom it
// refuses to wait two seconds; processes that each have a gate of their own. A model, not the service.
import {
  backoff,
  gate,
  policy,
  presets,
  run,
  type Clock,
  type Fault,
  type Gate,
  type Policy,
} from "@holdfast/core";
import { seededRandom, virtualClock } from "@holdfast/core/testing";
import { AwsAdaptiveGate } from "./aws-adaptive-gate.ts";
import { quantile } from "./statistics.ts";

const creditsPerSecond = 1_000;
const hintMs = 2_000;
const roundTripMs = 10;

/** Operations a second, and for how many seconds. */
export interface Stretch {
  readonly perSecond: number;
  readonly seconds: number;
}

/** 1.5 times what the namespace takes, with quiet around it. */
const load: readonly Stretch[] = [
  { perSecond: 600, seconds: 20 },
  { perSecond: 1_500, seconds: 20 },
  { perSecond: 600, seconds: 80 },
];

/** One way to deal with throttling. */
export interface Strategy {
  readonly name: string;
  readonly policy: Policy;
  /** Whether it reads "please wait 2 seconds". */
  readonly readsHint: boolean;
  readonly gate: ((clock: Clock) => Gate) | undefined;
}

const steps = (ms: number): ReturnType<typeof backoff.steps> =>
  backoff.steps({ delaysMs: [ms], jitterMs: 0 });

export const holdfast: Strategy = {
  name: "Holdfast",
  policy: presets.request,
  readsHint: true,
  gate: (clock) => gate({ clock }),
};

export const peers: readonly Strategy[] = [
  {
    name: "fixed 30 s, 4 attempts",
    policy: policy({
      attempts: 4,
      deadlineMs: Infinity,
      throttledBackoff: steps(30_000),
      on: { throttled: { action: "retry", counts: true } },
    }),
    readsHint: false,
    gate: undefined,
  },
  {
    name: "the hint alone",
    policy: presets.request.with({ throttledBackoff: steps(0) }),
    readsHint: true,
    gate: undefined,
  },
  {
    name: "AWS adaptive",
    policy: presets.request,
    readsHint: true,
    gate: (clock) => new AwsAdaptiveGate(clock),
  },
];

export interface Outcome {
  readonly operations: number;
  /** Attempts that the namespace refused. */
  readonly refused: number;
  /** Operations that ended in an error. */
  readonly lost: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** When the last operation of the load ended, in seconds. */
  readonly overAtSeconds: number;
  readonly refusedPerSecond: readonly number[];
}

/** One namespace: fixed windows, and an account of what it refused when. */
class Namespace {
  readonly refusedPerSecond: number[] = [];
  refused = 0;
  #window = -1;
  #left = 0;

  /** True when it takes one more credit. */
  takes(now: number): boolean {
    const window = Math.floor(now / 1_000);
    if (window !== this.#window) {
      this.#window = window;
      this.#left = creditsPerSecond;
    }
    this.#left -= 1;
    if (this.#left >= 0) return true;
    this.refused += 1;
    this.refusedPerSecond[window] = (this.refusedPerSecond[window] ?? 0) + 1;
    return false;
  }
}

const busy = new Error("50009: the namespace is throttled. Please wait 2 seconds and try again.");

const fault = (hint: number | undefined): Fault => ({
  kind: "throttled",
  service: "model",
  id: "TH-13",
  code: "ServiceBusy",
  sent: "no",
  because: "",
  remedy: "",
  see: undefined,
  hintMs: hint,
  missingClaim: undefined,
  trackingId: undefined,
});

export async function overload(
  strategy: Strategy,
  processes: number,
  seed: number,
  stretches = load,
): Promise<Outcome> {
  const clock = virtualClock();
  const random = seededRandom(seed);
  const namespace = new Namespace();
  const gates = Array.from({ length: processes }, () => strategy.gate?.(clock));
  const classified = fault(strategy.readsHint ? hintMs : undefined);
  const latencies: number[] = [];
  let lost = 0;
  const later = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));

  const attempt = async (): Promise<void> => {
    await later(roundTripMs / 2);
    const taken = namespace.takes(clock.now());
    await later(roundTripMs / 2);
    if (!taken) throw busy;
  };
  const operation = async (): Promise<void> => {
    const began = clock.now();
    try {
      await run(attempt, {
        operation: "model.send",
        target: "orders",
        policy: strategy.policy,
        classify: () => classified,
        clock,
        random,
        gate: gates[Math.floor(random() * processes)],
      });
      latencies.push(clock.now() - began);
    } catch {
      lost += 1;
    }
  };

  const operations: Promise<void>[] = [];
  const arrive = async (): Promise<void> => {
    for (const { perSecond, seconds } of stretches) {
      const until = clock.now() + seconds * 1_000;
      for (;;) {
        const gapMs = (-Math.log(1 - random()) / perSecond) * 1_000;
        if (clock.now() + gapMs >= until) break;
        await later(gapMs);
        operations.push(operation());
      }
      await later(until - clock.now());
    }
  };
  await clock.settle(arrive());
  await clock.settle(Promise.all(operations));
  return {
    operations: operations.length,
    refused: namespace.refused,
    lost,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    overAtSeconds: clock.now() / 1_000,
    refusedPerSecond: namespace.refusedPerSecond,
  };
}
