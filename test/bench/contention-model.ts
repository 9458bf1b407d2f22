// The model of the AWS article "Exponential Backoff And Jitter": clients that each update one row once, under optimistic
// concurrency. Read, write with the version read; whose version is stale waits and begins again. Written after the
// article's program (aws-samples/aws-arch-backoff-simulator), whose first retry is number 1.
import { backoff, nextWait, type Random } from "@holdfast/core";
import { seededRandom } from "@holdfast/core/testing";
import { EventQueue } from "./event-queue.ts";

const baseMs = 5;
const capMs = 2_000;
export const clients = 100;
const runs = 100;

type NextWait = (retry: number, previousMs: number, random: Random) => number;

/** A strategy, and the calls and milliseconds that the published program gives for 100 clients. */
export interface Published {
  readonly name: string;
  readonly calls: number;
  readonly ms: number;
  readonly next: NextWait;
  /** Ours; the others are there to show that the model is theirs. */
  readonly isOurs: boolean;
}

const ours =
  (shape: "full" | "equal" | "decorrelated"): NextWait =>
  (retry, previousMs, random) =>
    nextWait(backoff[shape]({ baseMs, capMs }), retry, random, previousMs);

export const strategies: readonly Published[] = [
  { name: "no backoff", calls: 2_428, ms: 2_034, next: () => 0, isOurs: false },
  {
    name: "exponential",
    calls: 1_849,
    ms: 63_380,
    next: (retry) => Math.min(capMs, baseMs * 2 ** retry),
    isOurs: false,
  },
  { name: "equal jitter", calls: 812, ms: 6_737, next: ours("equal"), isOurs: true },
  { name: "full jitter", calls: 798, ms: 4_915, next: ours("full"), isOurs: true },
  { name: "decorrelated jitter", calls: 1_007, ms: 4_447, next: ours("decorrelated"), isOurs: true },
];

interface Client {
  retry: number;
  previousMs: number;
}

type Step =
  | { readonly kind: "read"; readonly client: Client }
  | { readonly kind: "was-read"; readonly client: Client; readonly version: number }
  | { readonly kind: "write"; readonly client: Client; readonly version: number }
  | { readonly kind: "was-written"; readonly client: Client; readonly done: boolean };

/** Mean calls (writes) and milliseconds until the last client is done. */
export function contention(next: NextWait, seed: number): { readonly calls: number; readonly ms: number } {
  const random = seededRandom(seed);
  let calls = 0;
  let ms = 0;
  for (let run = 0; run < runs; run += 1) {
    const queue = new EventQueue<Step>();
    let version = 0;
    let now = 0;
    for (let index = 0; index < clients; index += 1) {
      queue.add(delayMs(random), { kind: "read", client: { retry: 0, previousMs: baseMs } });
    }
    for (let event = queue.take(); event !== undefined; event = queue.take()) {
      const { at, what } = event;
      now = at;
      const arrives = at + delayMs(random);
      const { client } = what;
      switch (what.kind) {
        case "read":
          queue.add(arrives, { kind: "was-read", client, version });
          break;
        case "was-read":
          queue.add(arrives, { kind: "write", client, version: what.version });
          break;
        case "write": {
          calls += 1;
          const done = what.version === version;
          if (done) version += 1;
          queue.add(arrives, { kind: "was-written", client, done });
          break;
        }
        case "was-written":
          if (what.done) break;
          client.retry += 1;
          client.previousMs = next(client.retry, client.previousMs, random);
          queue.add(arrives + client.previousMs, { kind: "read", client });
          break;
      }
    }
    ms += now;
  }
  return { calls: calls / runs, ms: ms / runs };
}

/** |N(10, 2)| milliseconds (Box-Muller). */
function delayMs(random: Random): number {
  return Math.abs(10 + 2 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}
