import {
  acceptThenClose,
  resetConnection,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { afterEach, expect, it } from "vitest";
import { runBare, type BareReport } from "./bare.ts";
import { failLookupsFor } from "./lookup.ts";
import { sendOurs } from "./send.ts";

const message = { body: "order 1", messageId: "1" };
// serviceBus.connect waits 5 s at most between two attempts.
const maxDelayMs = 5_000;

interface Failing {
  readonly bus: ServiceBusSimulator;
  readonly connectionString?: string;
  readonly resolvesAfterMs?: number;
}

/** Both clients against services that fail alike; what the official one said, and ours. */
async function both(
  fail: () => Promise<Failing>,
): Promise<{ bare: BareReport; ours: number; bus: ServiceBusSimulator }> {
  const [forBare, forOurs] = await Promise.all([fail(), fail()]);
  await using _bareBus = forBare.bus;
  await using bus = forOurs.bus;
  const { resolvesAfterMs } = forBare;
  using bare = runBare({
    connectionString: forBare.connectionString ?? forBare.bus.connectionString,
    queue: "orders",
    messages: [message],
    ...(resolvesAfterMs === undefined ? {} : { resolvesAfterMs }),
  });
  const { sent } = await sendOurs(forOurs.connectionString ?? bus.connectionString, "orders", [message]);
  await bare.done;
  expect(sent[0]?.error).toBeUndefined();
  expect(bus.journal.stored("orders").map(({ messageId }) => messageId)).toEqual(["1"]);
  return { bare: bare.reports[0] as BareReport, ours: sent[0]?.settledMs ?? Infinity, bus };
}

let restoreLookup: (() => void) | undefined;
afterEach(() => {
  restoreLookup?.();
  restoreLookup = undefined;
});

it.concurrent("M-05 sends once a port that was closed for three seconds opens", async () => {
  const { bare, ours } = await both(async () => {
    const bus = await serviceBus({ queues: ["orders"] });
    await bus.stop();
    setTimeout(() => void bus.start(), 3_000);
    return { bus };
  });
  expect(ours).toBeGreaterThan(2_500);
  expect(ours).toBeLessThan(3_000 + maxDelayMs);
  // bare: one attempt, code GeneralError.
  expect(bare.error).toMatchObject({
    code: "GeneralError",
    message: expect.stringContaining("ECONNREFUSED") as string,
  });
});

it.concurrent("M-05 connects again when the connection is reset", async () => {
  const { bare } = await both(async () => {
    const bus = await serviceBus({ queues: ["orders"] });
    bus.faults.next("connect", resetConnection(), { times: 2 });
    return { bus };
  });
  expect(bare.error).toBeDefined();
});

it.concurrent("M-05 connects again when the server closes at once", async () => {
  const { bare } = await both(async () => {
    const bus = await serviceBus({ queues: ["orders"] });
    bus.faults.next("connect", acceptThenClose(), { times: 2 });
    return { bus };
  });
  expect(bare.error).toBeDefined();
});

it("M-05 connects once the namespace's name resolves", async () => {
  restoreLookup = failLookupsFor(1_500);
  const { bare, ours } = await both(async () => {
    const bus = await serviceBus({ queues: ["orders"] });
    const connectionString = bus.connectionString.replace("127.0.0.1", "namespace.holdfast.test");
    return { bus, connectionString, resolvesAfterMs: 1_500 };
  });
  expect(ours).toBeGreaterThan(1_000);
  expect(bare.error).toMatchObject({
    code: "GeneralError",
    message: expect.stringContaining("ENOTFOUND") as string,
  });
});
