import { dropConnection } from "@holdfast/simulators/signalr";
import { expect, it } from "vitest";
import { jobHub } from "./hub.ts";
import { worker } from "./worker.ts";

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error("Still not so after 15 s.");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it("joins its group after every outage, and reports each job although the answer was lost", async () => {
  await using hub = await jobHub();
  const joined = (): number => hub.sim.journal.invocations().filter(({ target }) => target === "Join").length;
  await using connection = worker(hub.url, async () => Promise.resolve());
  await connection.start();
  hub.give(1);
  await until(() => hub.done.has(1));
  await hub.sim.restart({ downMs: 200 });
  await until(() => joined() === 2);
  // The report arrives, and the connection is cut before the answer.
  hub.sim.faults.next("receive", dropConnection({ carriedOut: true }));
  hub.give(2);
  await until(() => joined() === 3);
  await until(() => hub.sim.journal.invocations().filter(({ target }) => target === "Done").length === 3);
  expect([...hub.done]).toEqual([1, 2]);
});
