import {
  faultTable,
  policy,
  run,
  systemFaults,
  type AbortSignalLike,
  type Attempt,
  type FaultRow,
  type HoldfastEvent,
  type RunSpec,
} from "../src/index.ts";
import { seededRandom, virtualClock, type VirtualClock } from "../src/testing.ts";

const row = (id: string, kind: FaultRow["kind"], more: Partial<FaultRow> = {}): FaultRow => ({
  id,
  kind,
  match: { code: id },
  because: `the service said ${id}`,
  remedy: "none: a test asked for it",
  ...more,
});

/** A service with one error code for each kind of fault that the tests arrange. */
export const rows: readonly FaultRow[] = [
  row("Busy", "throttled"),
  row("Internal", "transient"),
  row("LostAnswer", "timeout", { sent: "maybe" }),
  row("Detached", "disconnected"),
  row("Unauthorized", "auth"),
  row("TokensFull", "token-limit"),
  row("NotFound", "not-found"),
  ...systemFaults,
];

/** The official client's error with one of the codes above. */
export function failure(code: string, message = `It failed: ${code}.`): Error & { code: string } {
  return Object.assign(new Error(message), { code });
}

export interface Scene {
  readonly clock: VirtualClock;
  readonly events: readonly HoldfastEvent[];
  /** Virtual times at which the service saw an attempt. */
  readonly seen: readonly number[];
  run<T>(work: (attempt: Attempt) => Promise<T> | T, more?: Partial<RunSpec>): Promise<T>;
}

/** A virtual clock, seeded chance, the table above and a record of what happened. */
export function scene(spec: Partial<RunSpec> = {}): Scene {
  const clock = virtualClock();
  const events: HoldfastEvent[] = [];
  const seen: number[] = [];
  return {
    clock,
    events,
    seen,
    run: (work, more = {}) =>
      run(
        (attempt) => {
          seen.push(clock.now());
          return work(attempt);
        },
        {
          operation: "test.send",
          target: "orders",
          policy: policy(),
          classify: faultTable("test", rows),
          clock,
          random: seededRandom(1),
          onEvent: (event) => events.push(event),
          ...spec,
          ...more,
        },
      ),
  };
}

/** Fails with the given errors in turn, then resolves to "done". */
export function failing(...errors: readonly unknown[]): () => Promise<string> {
  let next = 0;
  return () => {
    if (next >= errors.length) return Promise.resolve("done");
    const error = errors[next];
    next += 1;
    return Promise.reject(error);
  };
}

/** What a promise rejects with; fails the test when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`Expected a rejection, got ${String(value)}.`);
    },
    (error: unknown) => error,
  );
}

/** A signal that knows how many listeners it has. */
export function countingSignal(): AbortSignalLike & {
  readonly listeners: number;
  abort(reason?: unknown): void;
} {
  const controller = new AbortController();
  const attached = new Set<() => void>();
  return {
    get aborted() {
      return controller.signal.aborted;
    },
    get reason() {
      return controller.signal.reason as unknown;
    },
    get listeners() {
      return attached.size;
    },
    abort: (reason) => controller.abort(reason),
    addEventListener: (type, listener) => {
      attached.add(listener);
      controller.signal.addEventListener(type, listener);
    },
    removeEventListener: (type, listener) => {
      attached.delete(listener);
      controller.signal.removeEventListener(type, listener);
    },
  };
}
