import {
  backoff,
  failureOf,
  faultTable,
  nextWait,
  presets,
  run,
  systemClock,
  systemFaults,
  systemRandom,
  type Backoff,
} from "@holdfast/core";
import { seededRandom } from "@holdfast/core/testing";
import { ConstantBackoff, handleAll, retry } from "cockatiel";
import type { Contender } from "./contender.ts";
import { atMost, reported, type Result } from "./result.ts";
import { interval, median } from "./statistics.ts";
import { start, takeTurns } from "./turns.ts";

const rounds = 31;
const sampleMs = 40;

const full = "holdfast full stack";
const timed = "holdfast full stack, attempt timeout and deadline";
const peer = "cockatiel wrap(retry, breaker)";
const timedPeer = "cockatiel wrap(retry, breaker, timeout)";
const documented = "p-retry as documented";
const names = ["bare", full, timed, peer, timedPeer, documented] as const satisfies Contender[];

/** What a call that succeeds at once costs beside the same call through cockatiel and p-retry, and what an abort takes. */
export async function policyBench(): Promise<readonly Result[]> {
  const ns = await takeTurns(names, rounds, sampleMs);
  const ratio = (ours: keyof typeof ns, theirs: keyof typeof ns): number[] =>
    ns[ours].map((value, round) => value / (ns[theirs][round] ?? NaN));
  const compare = (ours: keyof typeof ns, theirs: keyof typeof ns, most: number): Result => {
    const ratios = ratio(ours, theirs);
    return atMost(`${ours} / ${theirs}`, "", most, median(ratios), interval(ratios));
  };
  return [
    compare(full, peer, 1.5),
    compare(timed, timedPeer, 1 / 8),
    compare(full, documented, 1 / 10),
    ...names.map((name) => reported(name, "ns", median(ns[name]), interval(ns[name]))),
    ...(await allocations()),
    ...(await aborts()),
    ...caps(),
  ];
}

/** With a young generation so large that nothing is collected while it is measured. */
async function allocations(): Promise<Result[]> {
  const flags = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];
  const results: Result[] = [];
  for (const name of names) {
    await using one = await start(name, flags);
    await one.measure({ calls: 20_000, measure: "bytes" });
    const bytes: number[] = [];
    for (let round = 0; round < 11; round += 1) {
      bytes.push(await one.measure({ calls: 10_000, measure: "bytes" }));
    }
    const [measured, bounds] = [median(bytes), interval(bytes)];
    results.push(
      name === full
        ? atMost(`${name}: allocated a call`, "bytes", 2_500, measured, bounds)
        : reported(`${name}: allocated a call`, "bytes", measured, bounds),
    );
  }
  return results;
}

/** The caller aborts 50 ms into a wait of 600 ms. */
async function aborts(): Promise<Result[]> {
  const busy = Object.assign(new Error("Please retry after 600 ms."), { code: "Busy" });
  const classify = faultTable("bench", [
    { id: "Busy", kind: "throttled", match: { code: "Busy" }, because: "busy", remedy: "wait" },
    ...systemFaults,
  ]);
  const ours = await abortDuringWait((work, signal) =>
    run(work, {
      operation: "bench.call",
      target: "nothing",
      policy: presets.request,
      classify,
      clock: systemClock,
      random: systemRandom,
      signal,
    }).catch((error: unknown) => {
      if (failureOf(error)?.reason !== "cancelled") throw error;
    }),
  );
  const waits = retry(handleAll, { maxAttempts: 1, backoff: new ConstantBackoff(600) });
  const theirs = await abortDuringWait((work, signal) =>
    waits.execute(() => work(), signal).catch(() => undefined),
  );
  return [
    atMost("abort during a wait: until the call rejects", "ms", 10, Math.max(...ours.ms), extremes(ours.ms)),
    atMost("abort during a wait: further attempts", "", 0, ours.further),
    reported("peer, cockatiel retry: until the call rejects", "ms", median(theirs.ms), extremes(theirs.ms)),
    reported("peer, cockatiel retry: further attempts", "", theirs.further),
  ];

  async function abortDuringWait(
    call: (work: () => Promise<never>, signal: AbortSignal) => Promise<unknown>,
  ): Promise<{ ms: number[]; further: number }> {
    const ms: number[] = [];
    let attempts = 0;
    const tries = 11;
    await Promise.all(
      Array.from({ length: tries }, async (_, index) => {
        await sleep(index * 7);
        const controller = new AbortController();
        const work = (): Promise<never> => {
          attempts += 1;
          return Promise.reject(busy);
        };
        const result = call(work, controller.signal);
        await sleep(50);
        const abortedAt = performance.now();
        controller.abort();
        await result;
        ms.push(performance.now() - abortedAt);
      }),
    );
    await sleep(700);
    return { ms, further: attempts - tries };
  }
}

/** Waits late in an outage, when every one of them has grown to the cap. */
function caps(): Result[] {
  const range = { baseMs: 1_000, capMs: 60_000 };
  const shapes: Record<string, Backoff> = {
    "full jitter": backoff.full(range),
    "equal jitter": backoff.equal(range),
    "decorrelated jitter": backoff.decorrelated(range),
  };
  const random = seededRandom(1);
  return Object.entries(shapes).map(([name, shape]) => {
    const waits = 100_000;
    let atCap = 0;
    for (let client = 0; client < waits; client += 1) {
      let previousMs: number | undefined;
      for (let turn = 0; turn < 9; turn += 1) previousMs = nextWait(shape, turn, random, previousMs);
      if (previousMs === undefined || previousMs >= range.capMs) atCap += 1;
    }
    return atMost(`${name}: waits exactly at the cap`, "%", 0, (100 * atCap) / waits);
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function extremes(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
