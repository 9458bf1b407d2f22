// One contender in a process of its own, so that the others do not shape its types and caches. It runs what the parent
// asks for, when the parent asks for it: `npm run bench -- policy` starts these and takes turns between them.
import { systemClock, systemRandom, faultTable, systemFaults } from "@holdfast/core";
import { breaker, budget, gate, policy, run, type RunSpec } from "@holdfast/core";
import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from "cockatiel";
import pRetry from "p-retry";

/** What the parent sends: how many calls to make, and whether to measure time or memory. */
export interface Order {
  readonly calls: number;
  readonly measure: "ns" | "bytes";
}

const work = (): Promise<number> => Promise.resolve(1);

const spec: RunSpec = {
  operation: "bench.call",
  target: "nothing",
  policy: policy({ deadlineMs: Infinity, attemptTimeoutMs: Infinity }),
  classify: faultTable("bench", systemFaults),
  clock: systemClock,
  random: systemRandom,
  signal: undefined,
  onEvent: undefined,
  gate: gate(),
  lane: "send",
  cost: 1,
  budget: budget(),
  breaker: breaker(),
  ready: undefined,
  act: undefined,
  timeoutError: undefined,
};
// As a wrapper builds one: a literal. A spread here would cost more than the call.
const timed: RunSpec = {
  operation: "bench.call",
  target: "nothing",
  policy: policy(),
  classify: spec.classify,
  clock: systemClock,
  random: systemRandom,
  signal: undefined,
  onEvent: undefined,
  gate: spec.gate,
  lane: "send",
  cost: 1,
  budget: spec.budget,
  breaker: spec.breaker,
  ready: undefined,
  act: undefined,
  timeoutError: undefined,
};

const retrying = retry(handleAll, { maxAttempts: 10, backoff: new ExponentialBackoff() });
const breaking = circuitBreaker(handleAll, {
  halfOpenAfter: 10_000,
  breaker: new ConsecutiveBreaker(5),
});
const peer = wrap(retrying, breaking);
const timedPeer = wrap(retrying, breaking, timeout(10_000, TimeoutStrategy.Cooperative));

/** Contenders by name. */
export const contenders = {
  bare: work,
  "holdfast full stack": () => run(work, spec),
  "holdfast full stack, attempt timeout and deadline": () => run(work, timed),
  "cockatiel wrap(retry, breaker)": () => peer.execute(work),
  "cockatiel wrap(retry, breaker, timeout)": () => timedPeer.execute(work),
  "p-retry as documented": () => pRetry(work, { retries: 5 }),
} satisfies Record<string, () => Promise<number>>;

export type Contender = keyof typeof contenders;

async function carryOut({ calls, measure }: Order, call: () => Promise<number>): Promise<number> {
  if (measure === "bytes") (globalThis as { gc?: () => void }).gc?.();
  const heap = process.memoryUsage().heapUsed;
  const start = performance.now();
  for (let index = 0; index < calls; index += 1) await call();
  const ns = ((performance.now() - start) * 1_000_000) / calls;
  return measure === "ns" ? ns : (process.memoryUsage().heapUsed - heap) / calls;
}

const call = contenders[process.argv[2] as Contender] as (() => Promise<number>) | undefined;
if (call !== undefined && process.send !== undefined) {
  process.on("message", (order: Order) => {
    void carryOut(order, call).then((measured) => process.send?.(measured));
  });
  process.send("ready");
}
