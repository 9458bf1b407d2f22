import { setTimeout as sleep } from "node:timers/promises";
import {
  ignore,
  serviceBus,
  type QueueOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it, vi } from "vitest";
import { ownTime } from "../../../test/own-time/own-time.ts";
import {
  backoff,
  ServiceBusClient,
  serviceBusPolicies,
  type Handler,
  type HoldfastEvent,
  type SessionContext,
  type SessionProcessor,
  type SessionProcessorOptions,
} from "@holdfast/service-bus";

interface Bench extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: ServiceBusClient;
  process(handler: Handler<SessionContext>, options?: SessionProcessorOptions): SessionProcessor;
  send(sessionId: string, ...bodies: unknown[]): Promise<void>;
}

/** @param timeoutInMs - how long the service is asked to wait for a session that is free. */
async function bench(queue: Partial<QueueOptions> = {}, timeoutInMs = 10_000): Promise<Bench> {
  const bus = await serviceBus({ queues: [{ name: "orders", requiresSession: true, ...queue }] });
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    retryOptions: { timeoutInMs },
    resilience: { onEvent: (event) => events.push(event), closeTimeoutMs: 2_000 },
  });
  return {
    bus,
    client,
    process: (handler, options) => client.createSessionProcessor("orders", handler, options),
    send: (sessionId, ...bodies) =>
      client.createSender("orders").sendMessages(bodies.map((body) => ({ body, sessionId }))),
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 30_000, interval: 20 });
const empty = (bus: ServiceBusSimulator): Promise<void> =>
  until(() => expect(bus.queue("orders").activeMessages).toBe(0));

describe("a session processor", () => {
  it("SBC-098 handles several sessions at once, each in order and never two messages of one at a time", async () => {
    await using b = await bench();
    const seen = new Map<string, unknown[]>();
    const busy = new Set<string>();
    let most = 0;
    let overlaps = 0;
    b.process(
      async (message, { session }) => {
        if (busy.has(session.id)) overlaps += 1;
        busy.add(session.id);
        most = Math.max(most, busy.size);
        while (most < 3) await sleep(5);
        await sleep(10);
        seen.set(session.id, [...(seen.get(session.id) ?? []), message.body]);
        busy.delete(session.id);
      },
      { sessions: 3, idleTimeoutMs: 200 },
    );
    const ids = ["a", "b", "c", "d", "e"];
    await Promise.all(ids.map((id) => b.send(id, ...numbers(10))));
    await empty(b.bus);
    expect(overlaps).toBe(0);
    expect(most).toBe(3);
    for (const id of ids) expect(seen.get(id)).toEqual(numbers(10));
  });

  it("gives an idle session back, so that others get theirs", async () => {
    await using b = await bench();
    const seen: string[] = [];
    b.process((_, { session }) => void seen.push(session.id), { sessions: 1, idleTimeoutMs: 100 });
    await b.send("a", 1);
    await until(() => expect(seen).toEqual(["a"]));
    await b.send("b", 1);
    await until(() => expect(seen).toEqual(["a", "b"]));
  });

  it("M-12 accepts a session again whose lock was revoked in the middle, and keeps the order", async () => {
    await using b = await bench();
    const seen: number[] = [];
    let sinceRevoked: (() => number) | undefined;
    let againAfterMs: number | undefined;
    b.process(async (message) => {
      const number = message.body as number;
      againAfterMs ??= sinceRevoked?.();
      seen.push(number);
      if (number === 50 && sinceRevoked === undefined) {
        sinceRevoked = ownTime();
        b.bus.queue("orders").expireSessionLocks();
        await sleep(50);
      }
    });
    await b.send("customer", ...numbers(100));
    await empty(b.bus);
    expect(againAfterMs).toBeLessThan(2_000);
    expect([...new Set(seen)]).toEqual(numbers(100));
    // Nothing but the message in hand when the lock was revoked may come twice, and in its place.
    expect(
      seen.filter((number, index) => seen.indexOf(number) !== index).every((number) => number >= 50),
    ).toBe(true);
    for (let index = 1; index < seen.length; index += 1) {
      expect(seen[index]! - seen[index - 1]!).toBeLessThanOrEqual(1);
    }
  });

  it("comes back to its sessions after the service was away", async () => {
    await using b = await bench();
    const seen: number[] = [];
    b.process((message) => void seen.push(message.body as number), { idleTimeoutMs: 60_000 });
    await b.send("customer", ...numbers(5));
    await empty(b.bus);
    await b.bus.restart({ downMs: 1_000 });
    await b.send("customer", 5, 6, 7);
    await empty(b.bus);
    expect([...new Set(seen)]).toEqual(numbers(8));
  });

  it("takes one session after the service was in trouble, and the rest when that has gone well", async () => {
    for (const way of ["disabled", "away"] as const) {
      await using b = await bench();
      const trouble = vi.fn();
      const handling: string[] = [];
      let finish = (): void => {};
      const finished = new Promise<void>((resolve) => (finish = resolve));
      const handler: Handler<SessionContext> = async (_, { session }) => {
        handling.push(session.id);
        await finished;
      };
      const processor = b.process(handler, { sessions: 4, onError: trouble });
      const ids = ["a", "b", "c", "d"];
      const queue = b.bus.queue("orders");
      if (way === "disabled") queue.disable();
      else await b.bus.stop();
      // Of an outage, too, when it outlives the first try, and not when accepting is given up.
      await until(() => expect(trouble).toHaveBeenCalled());
      if (way === "disabled") queue.enable();
      else await b.bus.start();
      await Promise.all(ids.map((id) => b.send(id, 1)));
      await until(() => expect(handling).toHaveLength(1));
      await sleep(100);
      expect([way, handling.length, processor.inHand.length]).toEqual([way, 1, 1]);
      finish();
      await empty(b.bus);
      expect([...handling].sort()).toEqual(ids);
    }
  });

  it("goes on to another session after trouble when the handler of the first fails", async () => {
    await using b = await bench();
    const trouble = vi.fn();
    const handled: string[] = [];
    const handler: Handler<SessionContext> = (_, { session }) => {
      handled.push(session.id);
      if (session.id === "bad") throw new Error("not yet");
    };
    const redelivery = { backoff: backoff.steps({ delaysMs: [60_000], jitterMs: 0 }) };
    b.process(handler, { redelivery, onError: trouble });
    b.bus.queue("orders").disable();
    await until(() => expect(trouble).toHaveBeenCalled());
    b.bus.queue("orders").enable();
    await b.send("bad", 1);
    await until(() => expect(handled).toEqual(["bad"]));
    await b.send("good", 1);
    await until(() => expect(handled).toEqual(["bad", "good"]));
  });

  it("goes on to another session after trouble when the first has no message", async () => {
    await using b = await bench();
    const trouble = vi.fn();
    const sessionIds = ["a", "b"];
    const processor = b.process(() => {}, { sessionIds, idleTimeoutMs: 60_000, onError: trouble });
    await b.bus.stop();
    await until(() => expect(trouble).toHaveBeenCalled());
    await b.bus.start();
    await until(() => expect(processor.inHand).toHaveLength(1));
    const other = sessionIds.find((id) => !processor.inHand.includes(id));
    await b.send(String(other), 1);
    await empty(b.bus);
  });

  it("M-12 waits for a session that is held, or takes the next", async () => {
    for (const whenHeld of ["wait", "next"] as const) {
      await using b = await bench({ lockDurationMs: 5_000 });
      await b.send("held", 1);
      await b.send("free", 1);
      // A client that never renews.
      await using other = new ServiceBusClient(b.bus.connectionString);
      const startedAt = performance.now();
      await other.acceptSession("orders", "held", { maxAutoLockRenewalDurationInMs: 0 });
      const at = new Map<string, number>();
      b.process((_, { session }) => void at.set(session.id, performance.now() - startedAt), {
        sessions: 1,
        sessionIds: ["held", "free"],
        idleTimeoutMs: 100,
        whenHeld,
      });
      await empty(b.bus);
      expect([...at.keys()]).toEqual(whenHeld === "wait" ? ["held", "free"] : ["free", "held"]);
      expect(at.get("held")).toBeGreaterThanOrEqual(5_000);
    }
  });

  it("changes how many sessions it has at once while it runs", async () => {
    await using b = await bench();
    const processor = b.process(() => {}, { sessions: 1, idleTimeoutMs: 60_000 });
    const ids = ["a", "b", "c"];
    await Promise.all(ids.map((id) => b.send(id, 1)));
    await until(() => expect(processor.inHand).toHaveLength(1));
    processor.sessions = 3;
    await empty(b.bus);
    expect([...processor.inHand].sort()).toEqual(ids);
  });

  it("takes nothing while it is paused, and goes on when it is resumed, at once or later", async () => {
    await using b = await bench();
    const seen: unknown[] = [];
    const processor = b.process((message) => void seen.push(message.body));
    await b.send("customer", 1);
    await until(() => expect(seen).toEqual([1]));
    await processor.pause();
    expect(processor.inHand).toEqual([]);
    await b.send("customer", 2);
    await sleep(300);
    expect(seen).toEqual([1]);
    processor.resume();
    await until(() => expect(seen).toEqual([1, 2]));
    const pausing = processor.pause();
    processor.resume();
    await pausing;
    await b.send("customer", 3);
    await until(() => expect(seen).toEqual([1, 2, 3]));
    await empty(b.bus);
  });

  it("handles a message that failed before those behind it", async () => {
    await using b = await bench();
    const seen: unknown[] = [];
    b.process(
      (message, { delivery }) => {
        seen.push(message.body);
        if (message.body === 1 && delivery < 3) throw new Error("not yet");
      },
      { redelivery: { backoff: backoff.full({ baseMs: 1, capMs: 50 }) } },
    );
    await b.send("customer", 0, 1, 2);
    await empty(b.bus);
    expect(seen).toEqual([0, 1, 1, 1, 2]);
    expect(b.bus.journal.stored("orders")).toHaveLength(3);
  });

  it("keeps state with the session", async () => {
    await using b = await bench();
    const states: unknown[] = [];
    b.process(
      async (message, { session }) => {
        states.push(await session.getState());
        await session.setState({ last: message.body });
      },
      { idleTimeoutMs: 100 },
    );
    await b.send("customer", "first");
    await until(() => expect(states).toHaveLength(1));
    await b.send("customer", "second");
    await until(() => expect(states).toHaveLength(2));
    expect(states[1]).toEqual({ last: "first" });
  });

  it("lets the handler finish when it is stopped, and gives the session back at once", async () => {
    await using b = await bench();
    const done: unknown[] = [];
    let isHandling = false;
    let isStopping = false;
    const processor = b.process(async (message) => {
      isHandling = true;
      while (!isStopping) await sleep(5);
      await sleep(100);
      done.push(message.body);
    });
    await b.send("customer", 1, 2);
    await until(() => expect([isHandling, processor.inHand]).toEqual([true, ["customer"]]));
    const stopped = processor.stop();
    isStopping = true;
    await stopped;
    expect(done).toEqual([1]);
    await using other = new ServiceBusClient(b.bus.connectionString);
    const receiver = await other.acceptSession("orders", "customer");
    const messages = await receiver.receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    expect(messages.map(({ body }) => body as unknown)).toEqual([2]);
    expect(b.bus.queue("orders").activeMessages).toBe(1);
  });

  it("is stopped by the signal that it was told of, and when its scope ends", async () => {
    await using b = await bench();
    const before = process.listenerCount("SIGUSR2");
    const bySignal = b.process(() => {}, { stopOn: ["SIGUSR2"] });
    let byScope: SessionProcessor | undefined;
    {
      await using processor = b.process(() => {});
      byScope = processor;
    }
    expect([bySignal.state, byScope.state]).toEqual(["running", "stopped"]);
    process.emit("SIGUSR2");
    await until(() => expect(bySignal.state).toBe("stopped"));
    expect(process.listenerCount("SIGUSR2")).toBe(before);
  });

  it("recognises what its handler completed without an answer, and handles what is behind it", async () => {
    await using b = await bench({ lockDurationMs: 5_000 });
    const seen: [unknown, string][] = [];
    b.bus.faults.next("settle", ignore());
    await using impatient = new ServiceBusClient(b.bus.connectionString, {
      resilience: { policies: serviceBusPolicies({ "serviceBus.settle": { attemptTimeoutMs: 500 } }) },
    });
    impatient.createSessionProcessor("orders", async (message, context) => {
      seen.push([message.body, (await context.complete()).status]);
    });
    await b.send("customer", 1, 2);
    await empty(b.bus);
    expect(seen[0]).toEqual([1, "unknown"]);
    expect(seen.map(([body]) => body)).toEqual([1, 2]);
  });

  it("goes on when there is nothing to do, without a leak of links", async () => {
    await using b = await bench({}, 1_000);
    const errors: unknown[] = [];
    b.process(() => {}, { sessions: 2, onError: (error) => errors.push(error) });
    const attaches = (): number =>
      b.bus.journal.attaches("orders").filter(({ role }) => role === "receive").length;
    await expect.poll(attaches).toBeGreaterThanOrEqual(6); // Three waits of a second for each.
    const detached = b.bus.journal.detaches("orders").length;
    const attached = attaches();
    expect(attached - detached).toBeLessThanOrEqual(2);
    expect(errors).toEqual([]);
  });
});
