import {
  dropConnection,
  forceDetach,
  ignore,
  loseAcknowledgement,
  delayAcknowledgement,
  reject,
  serverBusy,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { ownTime } from "../../../test/own-time/own-time.ts";
import {
  failureOf,
  policies,
  presets,
  serviceBusPolicies,
  ServiceBusClient,
  type HoldfastEvent,
  type ResilienceOptions,
} from "@holdfast/service-bus";

interface Bench extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: ServiceBusClient;
  readonly sender: ReturnType<ServiceBusClient["createSender"]>;
  readonly events: HoldfastEvent[];
}

/** A simulator with one queue, our client and a sender for it. */
async function bench(
  resilience: ResilienceOptions = {},
  options: Parameters<typeof serviceBus>[0] = { queues: ["orders"] },
): Promise<Bench> {
  const bus = await serviceBus(options);
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { onEvent: (event) => events.push(event), ...resilience },
  });
  return {
    bus,
    client,
    events,
    sender: client.createSender("orders"),
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error("The call resolved.");
    },
    (error: unknown) => error,
  );

describe("message ids", () => {
  it("are given once per call, on a copy: one object sent twice is two messages", async () => {
    await using b = await bench({}, { queues: [{ name: "orders", duplicateDetectionWindowMs: 60_000 }] });
    const message = Object.freeze({ body: "order 1" });
    await b.sender.sendMessages(message);
    await b.sender.sendMessages(message);
    expect(b.bus.journal.stored("orders")).toHaveLength(2);
    expect(message).toEqual({ body: "order 1" });
  });

  it("are the caller's own where there are some", async () => {
    await using b = await bench();
    await b.sender.sendMessages([{ body: 1, messageId: "a" }, { body: 2 }]);
    await b.sender.sendMessages({ body: 3, bodyType: "data", properties: { messageId: "c" } });
    const ids = b.bus.journal.stored("orders").map(({ messageId }) => messageId);
    expect(ids).toEqual(["a", expect.stringMatching(/^[\da-f-]{36}$/), "c"]);
  });

  it("stay the same when a batch is sent again", async () => {
    await using b = await bench();
    const batch = await b.sender.createMessageBatch();
    expect(batch.tryAddMessage({ body: 1 })).toBe(true);
    expect(batch.tryAddMessage({ body: 2 })).toBe(true);
    b.bus.faults.next("send", dropConnection({ stored: false }));
    await b.sender.sendMessages(batch);
    const [first, second] = b.bus.journal.attempts("orders");
    expect(second?.messageIds).toEqual(first?.messageIds);
    expect(new Set(second?.messageIds).size).toBe(2);
    expect(b.bus.journal.stored("orders")).toHaveLength(2);
  });
});

describe("sendMessages", () => {
  it("makes exactly the attempts that its events tell of", async () => {
    await using b = await bench();
    b.bus.faults.next(
      "send",
      reject({
        condition: "amqp:internal-error",
        description: "The service was unable to process the request.",
      }),
      { times: 3 },
    );
    await b.sender.sendMessages({ body: 1 });
    expect(b.bus.journal.attempts("orders")).toHaveLength(4);
    expect(b.events.filter(({ type }) => type === "retry")).toHaveLength(3);
    expect(b.events.at(-1)).toMatchObject({
      type: "recovered",
      operation: "serviceBus.send",
      target: "orders",
      attempts: 4,
    });
  });

  it("does not send again while a slow acknowledgement is on its way", async () => {
    await using b = await bench();
    b.bus.faults.next("send", delayAcknowledgement(1_500));
    await b.sender.sendMessages({ body: 1 });
    expect(b.bus.journal.attempts("orders")).toHaveLength(1);
  });

  it("SB-13 accepts a hundred sends that were in flight when all connections dropped for three seconds", async () => {
    await using b = await bench(
      { coalesce: false },
      { queues: [{ name: "orders", duplicateDetectionWindowMs: 60_000 }] },
    );
    await b.sender.sendMessages({ body: "warm" });
    // None is accepted before the connections drop.
    b.bus.faults.always("send", delayAcknowledgement(60_000));
    const sends = Array.from({ length: 100 }, (_, order) => b.sender.sendMessages({ body: order }));
    await expect.poll(() => b.bus.journal.attempts("orders").length).toBeGreaterThan(50);
    b.bus.faults.clear();
    const sinceDropped = ownTime();
    await b.bus.restart({ downMs: 3_000 });
    await Promise.all(sends);
    expect(sinceDropped()).toBeLessThan(8_000); // SB-13: the outage and five seconds.
    expect(b.bus.journal.stored("orders")).toHaveLength(101);
    expect(b.events).toContainEqual(expect.objectContaining({ type: "disconnected", target: "orders" }));
    expect(b.events).toContainEqual(expect.objectContaining({ type: "reconnected", target: "orders" }));
    // One reconnect for all: nobody knocks on his own.
    const knocks = b.events.filter(
      ({ type, operation }) => type === "retry" && operation === "serviceBus.connect",
    );
    expect(knocks.length).toBeLessThan(20);
  });

  it("reports an unknown outcome instead of sending again when told to", async () => {
    await using b = await bench({
      policies: serviceBusPolicies({ "serviceBus.send": { onUnknown: "fail" } }),
    });
    b.bus.faults.next("send", dropConnection({ stored: true }));
    const error = await rejection(b.sender.sendMessages({ body: 1 }));
    expect(failureOf(error)).toMatchObject({
      kind: "disconnected",
      outcome: "unknown",
      reason: "outcome-unknown",
    });
    expect(b.bus.journal.attempts("orders")).toHaveLength(1);
  });

  it("SBC-006 sends a message again whose acknowledgement was lost, under the same id", async () => {
    await using b = await bench(
      { policies: serviceBusPolicies({ "serviceBus.send": { attemptTimeoutMs: 2_000 } }) },
      { queues: [{ name: "orders", duplicateDetectionWindowMs: 60_000 }] },
    );
    b.bus.faults.next("send", loseAcknowledgement({ stored: true }));
    await b.sender.sendMessages({ body: 1 });
    expect(b.bus.journal.attempts("orders")).toHaveLength(2);
    expect(b.bus.journal.stored("orders")).toHaveLength(1);
    expect(b.bus.journal.duplicates("orders")).toHaveLength(1);
  });

  it("leaves a half-open connection for a new one", async () => {
    await using b = await bench({
      policies: serviceBusPolicies({ "serviceBus.send": { attemptTimeoutMs: 2_000 } }),
    });
    await b.sender.sendMessages({ body: "warm" });
    b.bus.freeze();
    await b.sender.sendMessages({ body: 1 });
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).toEqual(["warm", 1]);
    expect(b.events).toContainEqual(expect.objectContaining({ type: "recycled", target: "orders" }));
  });

  it("gives the connection's own error when the deadline passes during an outage", async () => {
    await using b = await bench({
      policies: serviceBusPolicies({ "serviceBus.send": { deadlineMs: 2_000 } }),
    });
    await b.bus.stop();
    const error = await rejection(b.sender.sendMessages({ body: 1 }));
    expect(error).toMatchObject({ message: expect.stringContaining("ECONNREFUSED") as string });
    expect(failureOf(error)).toMatchObject({ kind: "disconnected", reason: "deadline", outcome: "rejected" });
  });

  it("stops waiting within milliseconds of an abort, and does not try again", async () => {
    await using b = await bench();
    b.bus.faults.always("send", serverBusy({ waitSeconds: 2 }));
    const controller = new AbortController();
    const sending = rejection(b.sender.sendMessages({ body: 1 }, { abortSignal: controller.signal }));
    await expect.poll(() => b.events.length).toBe(1);
    const sinceAborted = ownTime();
    controller.abort();
    const error = await sending;
    expect(sinceAborted()).toBeLessThan(100);
    expect(error).toMatchObject({ name: "AbortError" });
    expect(b.bus.journal.attempts("orders")).toHaveLength(1);
  });

  it("follows a policy that is changed while it runs", async () => {
    const retry = policies({ "serviceBus.send": presets.request });
    await using b = await bench({ policies: retry });
    b.bus.faults.always("send", reject({ condition: "amqp:internal-error" }));
    retry.update({ "serviceBus.send": { attempts: 2 } });
    const error = await rejection(b.sender.sendMessages({ body: 1 }));
    expect(failureOf(error)?.attempts).toHaveLength(2);
    expect(failureOf(error)?.reason).toBe("attempts");
  });

  it("asks the caller's own fault rows first", async () => {
    const row = {
      id: "mine",
      kind: "client-bug",
      match: { text: /unable to process/ },
      because: "b",
      remedy: "r",
    } as const;
    await using b = await bench({ faults: [row] });
    b.bus.faults.always(
      "send",
      reject({ condition: "amqp:internal-error", description: "unable to process" }),
    );
    expect(failureOf(await rejection(b.sender.sendMessages({ body: 1 })))).toMatchObject({
      id: "mine",
      kind: "client-bug",
    });
    expect(b.bus.journal.attempts("orders")).toHaveLength(1);
  });

  it("SBC-021 gives invalid messages the official client's TypeError at once", async () => {
    await using b = await bench();
    const error = await rejection(b.sender.sendMessages(undefined as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(failureOf(error)).toMatchObject({ kind: "client-bug", reason: "permanent" });
  });
});

describe("scheduling", () => {
  it("repeats with the same ids, so that duplicate detection stores one message", async () => {
    await using b = await bench(
      { policies: serviceBusPolicies({ "serviceBus.schedule": { attemptTimeoutMs: 2_000 } }) },
      { queues: [{ name: "orders", duplicateDetectionWindowMs: 60_000 }] },
    );
    b.bus.faults.next("management", loseAcknowledgement({ stored: true }));
    await b.sender.scheduleMessages({ body: 1 }, new Date(Date.now() + 100));
    const scheduled = (): unknown[] =>
      b.bus.journal
        .management("orders")
        .filter(({ operation }) => operation === "com.microsoft:schedule-message");
    expect(scheduled()).toHaveLength(2);
    await b.sender.sendMessages({ body: "later" });
    await expect.poll(() => b.bus.journal.stored("orders").map(({ body }) => body)).toContain(1);
    expect(b.bus.journal.stored("orders").filter(({ body }) => body === 1)).toHaveLength(1);
    const [{ messageId } = { messageId: undefined }] = b.bus.journal
      .stored("orders")
      .filter(({ body }) => body === 1);
    expect(messageId).toMatch(/^[\da-f-]{36}$/);
  });

  it("is retried, and cancelled, through the management link", async () => {
    await using b = await bench();
    b.bus.faults.next(
      "management",
      reject({
        condition: "amqp:internal-error",
        description: "The service was unable to process the request.",
      }),
    );
    const numbers = await b.sender.scheduleMessages(
      [{ body: 1 }, { body: 2 }],
      new Date(Date.now() + 60_000),
    );
    expect(numbers).toHaveLength(2);
    b.bus.faults.next("management", dropConnection({ stored: false }));
    await b.sender.cancelScheduledMessages(numbers);
    expect(b.bus.journal.management("orders").map(({ operation }) => operation)).toContain(
      "com.microsoft:cancel-scheduled-message",
    );
  });
});

describe("close", () => {
  it("lets a send in hand finish, and takes no new one", async () => {
    await using b = await bench();
    await b.sender.sendMessages({ body: "warm" });
    b.bus.faults.next("send", delayAcknowledgement(300));
    const sending = b.sender.sendMessages({ body: 1 });
    const closing = b.client.close();
    expect(b.sender.isClosed).toBe(true);
    await expect(b.sender.sendMessages({ body: 2 })).rejects.toThrow(
      /has been closed and can no longer be used/,
    );
    expect(() => b.client.createSender("orders")).toThrow("The underlying AMQP connection is closed.");
    await sending;
    await closing;
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).toEqual(["warm", 1]);
  });

  it("aborts what does not finish in time", async () => {
    await using b = await bench({ closeTimeoutMs: 200 });
    await b.bus.stop();
    const sending = rejection(b.sender.sendMessages({ body: 1 }));
    const closing = b.client.close();
    await closing;
    expect(await sending).toMatchObject({ name: "AbortError" });
  });
});

describe("events", () => {
  it("SBC-001 carry no secrets", async () => {
    await using b = await bench();
    b.bus.faults.next(
      "send",
      reject({ condition: "amqp:internal-error", description: "SharedAccessKey=c2VjcmV0 sig=abc%3D" }),
    );
    await b.sender.sendMessages({ body: 1 });
    expect(JSON.stringify(b.events)).toContain("<redacted>");
    expect(JSON.stringify(b.events)).not.toMatch(/c2VjcmV0|abc%3D/);
  });

  it("survive a listener that throws", async () => {
    await using b = await bench({
      onEvent: () => {
        throw new Error("observer");
      },
    });
    b.bus.faults.next("send", forceDetach({ stored: false }));
    await b.sender.sendMessages({ body: 1 });
    expect(b.bus.journal.stored("orders")).toHaveLength(1);
  });
});

describe("retryOptions", () => {
  it("keep their meaning as policy", async () => {
    const bus = await serviceBus({ queues: ["orders"] });
    await using client = new ServiceBusClient(bus.connectionString, {
      retryOptions: { maxRetries: 1, retryDelayInMs: 10 },
    });
    bus.faults.always("send", reject({ condition: "amqp:internal-error" }));
    const error = await rejection(client.createSender("orders").sendMessages({ body: 1 }));
    expect(failureOf(error)?.attempts).toHaveLength(2);
    await bus.close();
  });
});

it("tells of a send that close() gave up, and does not call it an abort of the caller", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { closeTimeoutMs: 100, onEvent: (event) => events.push(event) },
  });
  try {
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    bus.faults.always("send", ignore());
    const sending = sender.sendMessages({ body: 2 }).catch((error: unknown) => error);
    await client.close();
    const error = await sending;
    expect.soft(events.map(({ type }) => type)).toContain("give-up"); // README: "the caller gets the error"
    expect.soft(failureOf(error)?.because).not.toBe("the caller aborted the operation"); // nobody did
  } finally {
    await bus.close();
  }
});

it("tells in a failure at the deadline what the connection had tried", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { policies: serviceBusPolicies({ "serviceBus.send": { deadlineMs: 2_500 } }) },
  });
  try {
    await bus.stop();
    const error = await client
      .createSender("orders")
      .sendMessages({ body: 1 })
      .catch((caught: unknown) => caught);
    expect(failureOf(error)?.attempts).not.toHaveLength(0);
  } finally {
    await client.close();
    await bus.close();
  }
});
