import {
  delayAcknowledgement,
  reject,
  serviceBus,
  type ServiceBusOptions,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import {
  failureOf,
  ServiceBusClient,
  serviceBusPolicies,
  type ResilienceOptions,
} from "@holdfast/service-bus";

async function bench(options: ServiceBusOptions = {}, resilience: ResilienceOptions = {}) {
  const bus = await serviceBus({ queues: ["orders"], ...options });
  const client = new ServiceBusClient(bus.connectionString, { resilience });
  const sender = client.createSender("orders");
  await sender.sendMessages({ body: "warm" });
  bus.journal.clear();
  return {
    bus,
    client,
    sender,
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

/** A transfer for each message, and time for all of them: a second attempt would be a transfer more. */
const ownTransfers: ResilienceOptions = {
  coalesce: false,
  policies: serviceBusPolicies({ "serviceBus.send": { attemptTimeoutMs: 60_000, deadlineMs: 100_000 } }),
};

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe("concurrent single sends", () => {
  it("share transfers, in the order in which they were made", async () => {
    await using b = await bench();
    await Promise.all(many(300, (index) => b.sender.sendMessages({ body: index })));
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).toEqual(many(300, (index) => index));
    expect(b.bus.journal.attempts("orders").length).toBeLessThan(10);
  });

  it("wait for nobody: one after the other, each is a transfer of its own and no batch", async () => {
    await using b = await bench();
    for (let index = 0; index < 5; index += 1) await b.sender.sendMessages({ body: index });
    expect(b.bus.journal.attempts("orders").map(({ batch }) => batch)).toEqual(many(5, () => false));
  });

  it("share a transfer only within one session and partition key", async () => {
    await using b = await bench();
    await Promise.all(
      many(100, (index) =>
        b.sender.sendMessages(
          index % 4 === 3
            ? { body: index, partitionKey: "p" }
            : { body: index, sessionId: `session-${String(index % 4)}` },
        ),
      ),
    );
    for (const { sessionIds, partitionKeys } of b.bus.journal.attempts("orders")) {
      expect(new Set(sessionIds).size).toBe(1);
      expect(new Set(partitionKeys).size).toBe(1);
    }
    expect(b.bus.journal.stored("orders")).toHaveLength(100);
  });

  it("each get their own outcome when their batch is rejected: the innocent succeed", async () => {
    await using b = await bench();
    // The batch, and then the first of its messages that goes alone.
    b.bus.faults.next("send", reject({ condition: "amqp:not-allowed", description: "refused" }), {
      times: 2,
    });
    const results = await Promise.allSettled(many(20, (index) => b.sender.sendMessages({ body: index })));
    const rejected = results.filter((result) => result.status === "rejected");
    expect(rejected).toHaveLength(1);
    expect(failureOf(rejected[0]?.reason)).toMatchObject({ kind: "client-bug", outcome: "rejected" });
    expect(b.bus.journal.stored("orders")).toHaveLength(19);
  });

  it("are all sent again when the connection drops under their batch, under the same ids", async () => {
    await using b = await bench({ queues: [{ name: "orders", duplicateDetectionWindowMs: 60_000 }] });
    b.bus.faults.next("send", delayAcknowledgement(60_000), { times: 2 });
    const sends = many(50, (index) => b.sender.sendMessages({ body: index }));
    await expect.poll(() => b.bus.journal.stored("orders").length).toBe(50);
    b.bus.faults.clear();
    b.bus.dropConnections();
    await Promise.all(sends);
    expect(b.bus.journal.stored("orders")).toHaveLength(50);
    expect(b.bus.journal.duplicates("orders")).toHaveLength(50);
  });

  it("keep to themselves when told to, and below the link's credit", async () => {
    await using b = await bench({}, ownTransfers);
    b.bus.faults.always("send", delayAcknowledgement(2_000));
    await Promise.all(many(1_500, (index) => b.sender.sendMessages({ body: index })));
    const moments = [
      ...b.bus.journal.attempts("orders").map(({ at }) => ({ at, change: 1 })),
      ...b.bus.journal.accepted("orders").map(({ at }) => ({ at, change: -1 })),
    ].sort((one, other) => one.at - other.at || one.change - other.change);
    let inFlight = 0;
    const highest = Math.max(...moments.map(({ change }) => (inFlight += change)));
    expect(b.bus.journal.attempts("orders")).toHaveLength(1_500);
    expect(highest).toBeLessThanOrEqual(900);
    expect(highest).toBeGreaterThan(500);
  });

  it("wait for no acknowledgement, and share what is sent in one turn", async () => {
    await using b = await bench();
    b.bus.faults.always("send", delayAcknowledgement(1_000));
    const distinct = many(20, (index) => b.sender.sendMessages({ body: index, sessionId: String(index) }));
    const alike = many(20, (index) => b.sender.sendMessages({ body: index, sessionId: "same" }));
    await Promise.all([...distinct, ...alike]);
    const attempts = b.bus.journal.attempts("orders").map(({ at }) => at);
    const accepted = b.bus.journal.accepted("orders").map(({ at }) => at);
    expect(attempts).toHaveLength(21);
    expect(Math.max(...attempts)).toBeLessThan(Math.min(...accepted));
  });

  it("are not sent when their caller aborted before their turn", async () => {
    await using b = await bench();
    b.bus.faults.always("send", delayAcknowledgement(1_000));
    const controller = new AbortController();
    const busy = many(300, (index) => b.sender.sendMessages({ body: index, sessionId: String(index) }));
    const aborted = b.sender.sendMessages({ body: "aborted" }, { abortSignal: controller.signal });
    await expect.poll(() => b.bus.journal.attempts("orders").length).toBeGreaterThan(200);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    await Promise.all(busy);
    b.bus.faults.clear();
    await b.sender.sendMessages({ body: "last" });
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).not.toContain("aborted");
  });
});

it("does not send what was aborted while it waited for room on the link", async () => {
  await using b = await bench({}, ownTransfers);
  b.bus.faults.always("send", delayAcknowledgement(5_000));
  const controller = new AbortController();
  const busy = many(900, (index) => b.sender.sendMessages({ body: index }));
  const aborted = b.sender.sendMessages([{ body: "aborted" }], { abortSignal: controller.signal });
  await expect.poll(() => b.bus.journal.attempts("orders").length).toBe(900);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
  await Promise.all(busy);
  b.bus.faults.clear();
  await b.sender.sendMessages({ body: "last" });
  expect(b.bus.journal.stored("orders").map(({ body }) => body)).not.toContain("aborted");
});

it("does not spend attempts on sends that merely wait for room on the link", async () => {
  const bus = await serviceBus({ queues: ["orders"], acknowledgementDelayMs: 1_000 });
  const client = new ServiceBusClient(bus.connectionString, {
    retryOptions: { maxRetries: 2 },
    resilience: { coalesce: false },
  });
  try {
    const sender = client.createSender("orders");
    const results = await Promise.allSettled(
      Array.from({ length: 3_000 }, (_, body) => sender.sendMessages({ body })),
    );
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(0);
  } finally {
    await client.close();
    await bus.close();
  }
});

describe("flush", () => {
  it("waits for what was sent before it, whatever became of it", async () => {
    await using b = await bench();
    b.bus.faults.next("send", reject({ condition: "amqp:not-allowed" }));
    const outcomes: string[] = [];
    const note = (outcome: string) => () => void outcomes.push(outcome);
    void b.sender.sendMessages([{ body: 1 }]).then(note("stored"), note("refused"));
    void b.sender.sendMessages({ body: 2 }).then(note("stored"), note("refused"));
    await b.sender.flush();
    expect(outcomes.sort()).toEqual(["refused", "stored"]);
  });
});
