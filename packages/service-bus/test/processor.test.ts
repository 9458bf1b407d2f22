import { setTimeout as sleep } from "node:timers/promises";
import {
  ignore,
  loseAcknowledgement,
  reject,
  serviceBus,
  type QueueOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { ownTime } from "../../../test/own-time/own-time.ts";
import {
  backoff,
  PermanentError,
  redeliveryProperties,
  ServiceBusAdministrationClient,
  ServiceBusClient,
  serviceBusPolicies,
  type Handler,
  type HoldfastEvent,
  type Processor,
  type ProcessorOptions,
} from "@holdfast/service-bus";

interface Bench extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: ServiceBusClient;
  readonly events: HoldfastEvent[];
  process(handler: Handler, options?: ProcessorOptions): Processor;
  send(...bodies: unknown[]): Promise<void>;
}

async function bench(queue: Partial<QueueOptions> = {}): Promise<Bench> {
  const bus = await serviceBus({ queues: [{ name: "orders", ...queue }] });
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: {
      onEvent: (event) => events.push(event),
      closeTimeoutMs: 2_000,
      policies: serviceBusPolicies({ "serviceBus.settle": { attemptTimeoutMs: 500, deadlineMs: 800 } }),
    },
  });
  return {
    bus,
    client,
    events,
    process: (handler, options) => client.createProcessor("orders", handler, options),
    send: (...bodies) => client.createSender("orders").sendMessages(bodies.map((body) => ({ body }))),
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

const soon = { redelivery: { backoff: backoff.full({ baseMs: 1, capMs: 1 }) } } satisfies ProcessorOptions;
const empty = async (bus: ServiceBusSimulator): Promise<void> => {
  await expect.poll(() => bus.queue("orders").activeMessages, { interval: 20 }).toBe(0);
};
const recognised = ({ events }: Bench): HoldfastEvent[] => events.filter(({ type }) => type === "recognised");
const dispositions = (bus: ServiceBusSimulator): string[] =>
  bus.journal.settled("orders").map(({ disposition }) => disposition);

/** What handlers wait for until the test lets them go: how long they take does not depend on the machine. */
function letGo(): { readonly promise: Promise<void>; readonly now: () => void } {
  let now = (): void => undefined;
  const promise = new Promise<void>((resolve) => (now = resolve));
  return { promise, now: () => now() };
}

describe("a processor", () => {
  it("SBC-095 handles so many messages at once, and completes each when its handler returns", async () => {
    await using b = await bench();
    let now = 0;
    let most = 0;
    b.process(
      async () => {
        now += 1;
        most = Math.max(most, now);
        while (most < 4) await sleep(5);
        await sleep(20);
        now -= 1;
      },
      { concurrency: 4 },
    );
    await b.send(...Array.from({ length: 20 }, (_, index) => index));
    await empty(b.bus);
    expect(most).toBe(4);
    expect(dispositions(b.bus)).toEqual(Array.from({ length: 20 }, () => "completed"));
  });

  it("changes how many it handles at once while it runs", async () => {
    await using b = await bench();
    let now = 0;
    let expected = 1;
    const seen: number[] = [];
    const processor = b.process(async () => {
      now += 1;
      seen.push(now);
      while (Math.max(...seen) < expected) await sleep(5);
      await sleep(20);
      now -= 1;
    });
    await b.send(...Array.from({ length: 5 }, (_, index) => index));
    await empty(b.bus);
    expect(Math.max(...seen)).toBe(1);
    processor.concurrency = expected = 5;
    await sleep(200);
    seen.length = 0;
    await b.send(...Array.from({ length: 20 }, (_, index) => index));
    await empty(b.bus);
    expect(Math.max(...seen)).toBe(5);
    processor.concurrency = expected = 2;
    await sleep(200);
    seen.length = 0;
    await b.send(...Array.from({ length: 10 }, (_, index) => index));
    await empty(b.bus);
    expect(Math.max(...seen)).toBe(2);
  });

  it("takes nothing while it is paused, and goes on where it was", async () => {
    await using b = await bench();
    const handled: unknown[] = [];
    const processor = b.process((message) => void handled.push(message.body));
    await b.send(1);
    await empty(b.bus);
    await processor.pause();
    await b.send(2);
    await sleep(300);
    expect(handled).toEqual([1]);
    processor.resume();
    await empty(b.bus);
    expect(handled).toEqual([1, 2]);
  });

  it("calls a handler again in place as often as it is told, and then has the message come again", async () => {
    await using b = await bench();
    const calls: [number, number][] = [];
    b.process(
      (_, { attempt, delivery }) => {
        calls.push([delivery, attempt]);
        if (delivery < 2) throw new Error("not yet");
      },
      { attempts: 3, backoff: backoff.full({ baseMs: 1, capMs: 1 }), ...soon },
    );
    await b.send("order");
    await empty(b.bus);
    expect(calls).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
    ]);
  });

  it("stores a copy for later before it completes what failed, and counts on", async () => {
    await using b = await bench();
    const deliveries: number[] = [];
    b.process((_, { delivery }) => {
      deliveries.push(delivery);
      if (delivery < 3) throw new Error("not yet");
    }, soon);
    await b.client
      .createSender("orders")
      .sendMessages({ body: "order", messageId: "order-1", subject: "new", applicationProperties: { a: 1 } });
    await empty(b.bus);
    await expect.poll(() => deliveries).toEqual([1, 2, 3]);
    await empty(b.bus);
    const stored = b.bus.journal.stored("orders");
    expect(stored).toHaveLength(3);
    expect(new Set(stored.map(({ messageId }) => messageId)).size).toBe(3);
    expect(stored[2]).toMatchObject({
      subject: "new",
      applicationProperties: {
        a: 1,
        [redeliveryProperties.originalId]: "order-1",
        [redeliveryProperties.deliveries]: 2,
        [redeliveryProperties.copy]: 2,
      },
    });
    const [first] = b.bus.journal.settled("orders");
    expect(stored[1]!.at).toBeLessThan(first!.at);
    expect(dispositions(b.bus)).toEqual(["completed", "completed", "completed"]);
  });

  it("holds a failed message and gives it back when it is told to hold", async () => {
    await using b = await bench({ lockDurationMs: 2_000 });
    const at: number[] = [];
    b.process(
      (_, { delivery }) => {
        at.push(performance.now());
        if (delivery < 2) throw new Error("not yet");
      },
      { redelivery: { by: "hold", backoff: backoff.steps({ delaysMs: [4_000], jitterMs: 0 }) } },
    );
    await b.send("order");
    await empty(b.bus);
    // Twice as long as the lock lasts: it was renewed meanwhile.
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(4_000);
    expect(b.bus.journal.stored("orders")).toHaveLength(1);
    expect(dispositions(b.bus)).toEqual(["abandoned", "completed"]);
  });

  it("holds what failed of a subscription, without a copy to the topic, which all would get", async () => {
    await using bus = await serviceBus({ topics: [{ name: "news", subscriptions: ["mine", "theirs"] }] });
    await using client = new ServiceBusClient(bus.connectionString);
    client.createProcessor(
      { topic: "news", subscription: "mine" },
      (_, { delivery }) => {
        if (delivery < 3) throw new Error("not yet");
      },
      soon,
    );
    await client.createSender("news").sendMessages({ body: "once" });
    const mine = "news/Subscriptions/mine";
    const seen = (): string[] => bus.journal.settled(mine).map(({ disposition }) => disposition);
    await expect.poll(seen).toEqual(["abandoned", "abandoned", "completed"]);
    expect(bus.queue("news/Subscriptions/theirs").activeMessages).toBe(1);
    expect(bus.journal.attempts("news")).toHaveLength(1);
  });

  it("tries one message after the service was in trouble, and the rest when that has gone well", async () => {
    await using b = await bench();
    const errors: unknown[] = [];
    const first = letGo();
    const rest = letGo();
    let calls = 0;
    const processor = b.process(() => ((calls += 1) === 1 ? first.promise : rest.promise), {
      concurrency: 4,
      onError: (error) => errors.push(error),
    });
    b.bus.queue("orders").disable();
    await expect.poll(() => errors.length).toBeGreaterThanOrEqual(1);
    b.bus.queue("orders").enable();
    await b.send(1, 2, 3, 4);
    // All four are there, and would be in hand at once.
    await expect.poll(() => b.bus.journal.delivered("orders")).toHaveLength(4);
    await expect.poll(() => calls).toBe(1);
    await sleep(100);
    expect([calls, processor.inHand]).toEqual([1, 1]);
    first.now();
    await expect.poll(() => calls).toBe(4);
    expect(processor.inHand).toBe(3);
    rest.now();
    await empty(b.bus);
  });

  it("goes on with others while it holds one", async () => {
    await using b = await bench();
    const handled: unknown[] = [];
    b.process(
      (message, { delivery }) => {
        handled.push(message.body);
        if (message.body === "bad" && delivery === 1) throw new Error("not yet");
      },
      { redelivery: { by: "hold", backoff: backoff.steps({ delaysMs: [2_000], jitterMs: 0 }) } },
    );
    await b.send("bad", "good", "better");
    await empty(b.bus);
    expect(handled).toEqual(["bad", "good", "better", "bad"]);
  });

  it("SBC-069 dead-letters what a permanent error says cannot be handled, with its words and no secrets", async () => {
    await using b = await bench();
    class NoSuchCustomer extends Error {}
    const calls: unknown[] = [];
    b.process(
      (message) => {
        calls.push(message.body);
        if (message.body === 1)
          throw new PermanentError("SharedAccessKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0 is no order");
        throw new NoSuchCustomer("there is no such customer");
      },
      { attempts: 5, permanentErrors: [NoSuchCustomer] },
    );
    await b.send(1, 2);
    await empty(b.bus);
    expect(calls).toEqual([1, 2]);
    const dead = [];
    for await (const { deadLetterReason, deadLetterErrorDescription } of b.client
      .deadLetters("orders")
      .list()) {
      dead.push([deadLetterReason, deadLetterErrorDescription]);
    }
    expect(dead).toEqual([
      ["ProcessingFailed", expect.not.stringContaining("c2VjcmV0")],
      ["ProcessingFailed", "there is no such customer"],
    ]);
  });

  it("M-17 dead-letters unseen what was delivered more often than allowed, also across copies", async () => {
    for (const by of ["abandon", "copy"] as const) {
      await using b = await bench();
      let calls = 0;
      b.process(
        () => {
          calls += 1;
          throw new Error("never");
        },
        { deadLetterAfter: 3, redelivery: { ...soon.redelivery, by } },
      );
      await b.send("poison");
      await expect.poll(() => b.bus.queue("orders").deadLetterMessages).toBe(1);
      expect(calls).toBe(3);
      const letters = b.client.deadLetters("orders");
      for await (const message of letters.list()) {
        expect(message.deadLetterReason).toBe("HighDeliveryCount");
        expect(message.deadLetterErrorDescription).toBe("Delivered 4 times");
      }
      const warned = b.events.filter(({ type }) => type === "redelivered");
      expect(warned.map((event) => (event as { delivery: number }).delivery)).toEqual([2, 3, 4]);
    }
  });

  it("aborts the signal of a handler that is not done in time, and handles the message again", async () => {
    await using b = await bench();
    const aborted: boolean[] = [];
    b.process(
      async (_, { signal, attempt }) => {
        if (attempt === 2) return;
        await sleep(60_000, undefined, { signal }).catch(() => undefined);
        aborted.push(signal.aborted);
        await new Promise(() => {}); // And never returns.
      },
      { handlerTimeoutMs: 100, attempts: 2 },
    );
    await b.send("order");
    await empty(b.bus);
    expect(aborted).toEqual([true]);
    expect(dispositions(b.bus)).toEqual(["completed"]);
  });

  it("lets the handler settle by itself", async () => {
    await using b = await bench();
    const results: unknown[] = [];
    b.process(async (message, context) => {
      results.push(
        message.body === 1
          ? await context.deadLetter({ deadLetterReason: "mine", deadLetterErrorDescription: "" })
          : await context.complete(),
      );
    });
    await b.send(1, 2);
    await empty(b.bus);
    expect(results).toEqual([{ status: "settled" }, { status: "settled" }]);
    expect(dispositions(b.bus)).toEqual(["dead-lettered", "completed"]);
  });

  it("M-13 says that it does not know when the answer to a settlement is lost, never that it succeeded", async () => {
    await using b = await bench();
    const results: { status: string }[] = [];
    b.bus.faults.always("settle", ignore());
    b.bus.faults.always("management", ignore());
    b.process(async (_, context) => {
      results.push(await context.complete());
    });
    await b.send("order");
    await expect.poll(() => results).toHaveLength(1);
    expect(results[0]?.status).toBe("unknown");
  });

  it("SBC-068 completes so, too, what the handler itself could not complete", async () => {
    await using b = await bench({ lockDurationMs: 1_000 });
    const results: string[] = [];
    b.bus.faults.always("settle", ignore());
    b.bus.faults.always("management", ignore());
    b.process(async (_, context) => void results.push((await context.complete()).status));
    await b.send("order");
    await expect.poll(() => results).toHaveLength(1);
    b.bus.faults.clear();
    await empty(b.bus);
    expect(recognised(b).length).toBeGreaterThanOrEqual(1);
    expect(dispositions(b.bus).at(-1)).toBe("completed");
    expect(results).toEqual([expect.stringMatching(/unknown|failed/)]);
  });

  it("completes nothing that its handler wanted dead-lettered, also when the service refuses that", async () => {
    await using b = await bench({ lockDurationMs: 1_000 });
    const results: string[] = [];
    b.bus.faults.next("settle", reject({ condition: "amqp:not-allowed", description: "Not now." }));
    b.process(async (_, context) => {
      const why = { deadLetterReason: "mine", deadLetterErrorDescription: "" };
      results.push((await context.deadLetter(why)).status);
    });
    await b.send("order");
    await expect.poll(() => results.at(-1)).toBe("settled");
    expect(results[0]).toBe("failed");
    expect(dispositions(b.bus)).not.toContain("completed");
    expect(dispositions(b.bus).at(-1)).toBe("dead-lettered");
  });

  it("SBC-068 completes without calling the handler again what it handled and could not complete", async () => {
    await using b = await bench({ lockDurationMs: 1_000 });
    let calls = 0;
    b.bus.faults.always("settle", ignore());
    b.bus.faults.always("management", ignore());
    b.process(() => void (calls += 1));
    await b.send("order");
    // It comes again when its lock has ended, and so does each completion of it that the service does not answer.
    await expect.poll(() => recognised(b).length).toBeGreaterThanOrEqual(1);
    b.bus.faults.clear();
    await empty(b.bus);
    expect(calls).toBe(1);
    expect(recognised(b)).toHaveLength(b.bus.journal.delivered("orders").length - 1);
    expect(dispositions(b.bus).at(-1)).toBe("completed");
  });

  it("M-11 aborts the handler when the lock is lost, settles nothing, and keeps the effect at one", async () => {
    await using b = await bench({ lockDurationMs: 1_000 });
    let effects = 0;
    let abortedAfterMs = Infinity;
    b.process(async (_, { signal }) => {
      effects += 1;
      await sleep(100);
      b.bus.queue("orders").expireLocks();
      const sinceRevoked = ownTime();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      abortedAfterMs = sinceRevoked();
    });
    await b.send("order");
    await empty(b.bus);
    // The renewal that is refused comes within half of the lock's second.
    expect(abortedAfterMs).toBeLessThan(2_000);
    expect(effects).toBe(1);
    expect(dispositions(b.bus)).toEqual(["lock-expired", "completed"]);
  });

  it("SBC-091 waits for its handlers when it is stopped, gives back what it holds, and leaves nothing locked", async () => {
    await using b = await bench();
    const done: unknown[] = [];
    const leave = letGo();
    const processor = b.process(
      async (message) => {
        if (message.body === "held") throw new Error("later");
        await leave.promise;
        done.push(message.body);
      },
      {
        concurrency: 2,
        redelivery: { by: "hold", backoff: backoff.steps({ delaysMs: [60_000], jitterMs: 0 }) },
      },
    );
    await b.send("held", "slow");
    await expect.poll(() => b.events.map(({ type }) => type)).toContain("processing-failed");
    await expect.poll(() => processor.inHand).toBe(1);
    const stopped = processor.stop();
    leave.now();
    await stopped;
    expect(done).toEqual(["slow"]);
    expect(b.bus.queue("orders").lockedMessages).toBe(0);
    expect(b.bus.queue("orders").activeMessages).toBe(1);
    expect(processor.state).toBe("stopped");
    expect(() => processor.resume()).toThrow(/stopped/);
  });

  it("is stopped in time when a handler hears of nothing, and leaves its message to others", async () => {
    await using b = await bench({ lockDurationMs: 5_000 });
    const calls: unknown[] = [];
    {
      await using processor = b.process((message) => {
        calls.push(message.body);
        return new Promise(() => {});
      });
      await b.send("order");
      await expect.poll(() => calls).toEqual(["order"]);
      expect(processor.state).toBe("running");
    }
    // It was given back, or its lock ends: nobody renews it.
    const [message] = await b.client.createReceiver("orders").receiveMessages(1, { maxWaitTimeInMs: 30_000 });
    expect(message?.body).toBe("order");
  });

  it("drains: takes no more, and resolves when all in hand is settled", async () => {
    await using b = await bench();
    const leave = letGo();
    const processor = b.process(() => leave.promise, { concurrency: 3 });
    await b.send(1, 2, 3);
    await expect.poll(() => processor.inHand).toBe(3);
    const drained = processor.drain();
    leave.now();
    await drained;
    expect(processor.inHand).toBe(0);
    expect(dispositions(b.bus)).toEqual(["completed", "completed", "completed"]);
  });

  it("takes no message of a queue that was made anew for one that it has handled", async () => {
    await using bus = await serviceBus({ queues: ["orders"], tls: true });
    const { connectionString, ca } = bus.tls!;
    const admin = new ServiceBusAdministrationClient(connectionString, { tlsOptions: { ca } });
    await using client = new ServiceBusClient(bus.connectionString);
    const seen: unknown[] = [];
    client.createProcessor(
      "orders",
      ({ body, sequenceNumber }) => void seen.push([body, String(sequenceNumber)]),
    );
    for (const body of ["old", "new"]) {
      await client.createSender("orders").sendMessages({ body });
      await expect.poll(() => seen.at(-1)).toEqual([body, "1"]); // Numbers begin again.
      await expect.poll(() => bus.queue("orders").activeMessages).toBe(0);
      if (body === "new") break;
      await admin.deleteQueue("orders");
      await admin.createQueue("orders");
    }
    expect(seen).toHaveLength(2);
  });

  it("keeps a message for which the idempotency store has no answer", async () => {
    await using b = await bench({ lockDurationMs: 1_000 });
    let isDown = true;
    let calls = 0;
    b.process(() => void (calls += 1), {
      idempotency: {
        has: () => {
          if (isDown) throw new Error("the store is down");
          return false;
        },
        add: () => {},
      },
    });
    await b.send("order");
    await sleep(300);
    expect(calls).toBe(0);
    isDown = false;
    await empty(b.bus);
    expect(calls).toBe(1);
  });

  it("takes an acknowledgement that was lost for what it is: the message is done", async () => {
    await using b = await bench();
    let calls = 0;
    b.bus.faults.next("settle", loseAcknowledgement({ stored: true }));
    b.process(() => void (calls += 1));
    await b.send(1, 2);
    await empty(b.bus);
    expect(calls).toBe(2);
  });

  it("says which option is wrong", async () => {
    await using b = await bench();
    const handler = (): void => {};
    expect(() => b.process(handler, { concurrency: 0 })).toThrow(/concurrency.*1 to 2000; got 0/);
    expect(() => b.process(handler, { deadLetterAfter: 0.5 })).toThrow(/deadLetterAfter.*got 0.5/);
    expect(() => b.process(handler, { redelivery: { by: "never" as never } })).toThrow(
      /redelivery.by.*"never"/,
    );
    expect(() => b.process(handler, { concurency: 3 } as never)).toThrow(/concurency/);
  });

  it("goes on when onError itself throws", async () => {
    await using b = await bench();
    const handled: unknown[] = [];
    b.process(
      ({ body }, { delivery }) => {
        if (delivery === 1) throw new Error("not yet");
        handled.push(body);
      },
      {
        onError: () => {
          throw new Error("the logger is full");
        },
        ...soon,
      },
    );
    await b.send(1, 2);
    await empty(b.bus);
    expect(handled).toEqual([1, 2]);
    // Both waited as copies: without the care that onError could not take, they would have been given back at once.
    expect(dispositions(b.bus)).toEqual(["completed", "completed", "completed", "completed"]);
  });
});
