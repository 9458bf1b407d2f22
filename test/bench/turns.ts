import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Contender, Order } from "./contender.ts";

const file = fileURLToPath(new URL("contender.ts", import.meta.url));

/** A contender's process, measured when asked. */
export interface Contestant extends AsyncDisposable {
  measure(order: Order): Promise<number>;
}

/**
 * Starts a contender in a process of its own. It meets the packages as published (their builds, not their sources):
 * what runs sources marks every function with its name, which costs more than what is measured.
 */
export async function start(name: Contender, flags: readonly string[] = []): Promise<Contestant> {
  const child = fork(file, [name], { execArgv: ["--import", "tsx", ...flags] });
  let answered = (_: unknown): void => undefined;
  let failed = (_: Error): void => undefined;
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      answered = resolve;
      failed = reject;
    });
  child.on("message", (message) => {
    answered(message);
  });
  child.on("exit", () => {
    failed(new Error("A contender's process ended; are the packages built (npm run build)?"));
  });
  await answer();
  return {
    measure: async (order) => {
      const measured = answer();
      child.send(order);
      return Number(await measured);
    },
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}

/** Nanoseconds a call of each, `rounds` times, taking turns so that what disturbs one disturbs all. */
export async function takeTurns<N extends Contender>(
  names: readonly N[],
  rounds: number,
  sampleMs: number,
): Promise<Record<N, number[]>> {
  const contestants = await Promise.all(names.map((name) => start(name)));
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<N, number[]>;
  try {
    const calls: number[] = [];
    for (const [index, one] of contestants.entries()) {
      // Twice, because the first calls are those that the compiler watches.
      await one.measure({ calls: 20_000, measure: "ns" });
      const ns = await one.measure({ calls: 20_000, measure: "ns" });
      calls[index] = Math.max(100, Math.round((sampleMs * 1_000_000) / ns));
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, one] of contestants.entries()) {
        const ns = await one.measure({ calls: calls[index] ?? 100, measure: "ns" });
        samples[names[index] as N].push(ns);
      }
    }
  } finally {
    await Promise.all(contestants.map((one) => one[Symbol.asyncDispose]()));
  }
  return samples;
}
