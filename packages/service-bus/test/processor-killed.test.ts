import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  ignore,
  loseAcknowledgement,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { expect, it, vi } from "vitest";
import { backoff, redeliveryProperties, ServiceBusClient } from "@holdfast/service-bus";

const script = fileURLToPath(new URL("failing-process.ts", import.meta.url));
const bodies = [0, 1, 2, 3, 4];

interface Step {
  readonly name: string;
  /** Stops the processor at the step, for its third message. */
  readonly hold: (bus: ServiceBusSimulator) => void;
}

const pass = (bus: ServiceBusSimulator, step: "send" | "settle"): void => {
  bus.faults.next(step, { kind: "delay", ms: 0 }, { times: 2 });
};

const steps: readonly Step[] = [
  {
    name: "before the copy is stored",
    hold: (bus) => {
      pass(bus, "send");
      bus.faults.next("send", ignore());
    },
  },
  {
    name: "when the copy is stored and not acknowledged",
    hold: (bus) => {
      pass(bus, "send");
      bus.faults.next("send", loseAcknowledgement({ stored: true }));
    },
  },
  {
    name: "when the copy is acknowledged and the original not completed",
    hold: (bus) => {
      pass(bus, "settle");
      bus.faults.next("settle", ignore());
    },
  },
  {
    name: "when the original is completed and nobody knows",
    hold: (bus) => {
      pass(bus, "settle");
      bus.faults.next("settle", loseAcknowledgement({ stored: true }));
    },
  },
];

const cases = steps.flatMap((step) => [true, false].map((detects) => ({ ...step, detects })));

it.each(cases)(
  "a processor that is killed $name loses nothing (duplicate detection: $detects)",
  async ({ hold, detects }) => {
    await using bus = await serviceBus({
      queues: [{ name: "orders", duplicateDetectionWindowMs: detects ? 600_000 : 0 }],
    });
    await using client = new ServiceBusClient(bus.connectionString);
    await client.createSender("orders").sendMessages(bodies.map((body) => ({ body })));
    hold(bus);
    const ours = bus.journal.connections().length;
    const failing = spawn(
      process.execPath,
      ["--import", "tsx", "--conditions=source", script, bus.connectionString],
      {
        stdio: "inherit",
      },
    );
    const over = once(failing, "exit");
    while (!bus.journal.faults().some(({ kind }) => kind === "lose-acknowledgement")) await sleep(10);
    failing.kill("SIGKILL");
    await over;
    bus.faults.clear();
    const theirs = bus.journal.connections().slice(ours);
    await expect.poll(() => theirs.every(({ closedAt }) => closedAt !== undefined)).toBe(true);
    bus.queue("orders").expireLocks();

    // The second fails once more for the originals, so that copies are made again of those that may have one already.
    const handled: number[] = [];
    client.createProcessor(
      "orders",
      ({ body, applicationProperties }) => {
        if (applicationProperties?.[redeliveryProperties.copy] === undefined) throw new Error("not yet");
        handled.push(body as number);
      },
      {
        concurrency: 5,
        redelivery: { by: "copy", backoff: backoff.steps({ delaysMs: [100], jitterMs: 0 }) },
      },
    );
    await expect.poll(() => [...new Set(handled)].sort()).toEqual(bodies);
    await vi.waitFor(
      () => {
        const { activeMessages, lockedMessages, scheduledMessages, deadLetterMessages } = bus.queue("orders");
        expect([activeMessages, lockedMessages, scheduledMessages, deadLetterMessages]).toEqual([0, 0, 0, 0]);
      },
      { timeout: 60_000 },
    );
    // The message at which it was killed may have two copies, where nothing detects it; it is handled once all the same.
    const copies = bus.journal.stored("orders").length - bodies.length;
    expect(copies).toBeGreaterThanOrEqual(bodies.length);
    expect(copies).toBeLessThanOrEqual(detects ? bodies.length : bodies.length + 1);
    expect(handled.sort()).toEqual(bodies);
  },
);
