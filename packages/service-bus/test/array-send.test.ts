import {
  loseAcknowledgement,
  reject,
  serviceBus,
  type ServiceBusOptions,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import {
  failureOf,
  ServiceBusClient,
  serviceBusPolicies,
  type ItemOutcome,
  type PolicyOptions,
} from "@holdfast/service-bus";

/** A link that takes one of our messages at a time, so that an array of them is as many transfers. */
async function bench(options: ServiceBusOptions = {}, send: PolicyOptions = {}) {
  const bus = await serviceBus({ queues: [{ name: "orders", maxMessageSizeBytes: 4_096 }], ...options });
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { policies: serviceBusPolicies({ "serviceBus.send": send }) },
  });
  return {
    bus,
    sender: client.createSender("orders"),
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

const messages = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ body: String(index).padEnd(2_500, "x") }));

const outcomes = (error: unknown): ItemOutcome["outcome"][] =>
  (failureOf(error)?.items ?? []).map(({ outcome }) => outcome);

describe("an array in several transfers", () => {
  it("ends at the first that fails: what follows in its key is not sent", async () => {
    await using b = await bench();
    await b.sender.sendMessages({ body: "warm" });
    b.bus.journal.clear();
    b.bus.faults.every(2, "send", reject({ condition: "amqp:not-allowed" }));
    const error = await b.sender.sendMessages(messages(4)).catch((reason: unknown) => reason);
    expect(outcomes(error)).toEqual(["accepted", "rejected", "rejected", "rejected"]);
    expect(b.bus.journal.attempts("orders")).toHaveLength(2);
  });

  it("has one deadline, however many transfers it takes", async () => {
    await using b = await bench({ acknowledgementDelayMs: 700 }, { deadlineMs: 2_500 });
    await b.sender.sendMessages({ body: "warm" });
    const error = await b.sender.sendMessages(messages(8)).catch((reason: unknown) => reason);
    expect(outcomes(error).at(0)).toBe("accepted");
    expect(outcomes(error).at(-1)).toBe("rejected");
    expect(b.bus.journal.attempts("orders").length).toBeLessThan(7);
  });

  it("says of each message whether it was accepted, is unknown, or was not sent", async () => {
    await using b = await bench({}, { attemptTimeoutMs: 1_000, onUnknown: "fail" });
    await b.sender.sendMessages({ body: "warm" });
    b.bus.faults.every(2, "send", loseAcknowledgement({ stored: true }));
    const error = await b.sender.sendMessages(messages(4)).catch((reason: unknown) => reason);
    expect(outcomes(error)).toEqual(["accepted", "unknown", "rejected", "rejected"]);
    expect(failureOf(error)?.outcome).toBe("unknown");
    expect(b.bus.journal.stored("orders")).toHaveLength(3);
  });

  it("has no transfer of more than 4500 messages", async () => {
    await using b = await bench({ queues: [{ name: "orders", maxMessageSizeBytes: 1_048_576 }] });
    const small = Array.from({ length: 4_501 }, (_, index) => ({ body: 0, messageId: String(index) }));
    await b.sender.sendMessages(small);
    expect(b.bus.journal.attempts("orders").map((attempt) => attempt.messages)).toEqual([4_500, 1]);
  });
});
