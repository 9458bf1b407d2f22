import { systemClock } from "@holdfast/core";
import {
  backoff,
  failureOf,
  ServiceBusClient,
  serviceBusPolicies,
  type HoldfastEvent,
} from "@holdfast/service-bus";
import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { refuseToken, serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import WebSocket from "ws";

/** The official client asks for wss: only. Over TCP each token would cost 44 ms of Nagle's algorithm (gap 17). */
class PlainWebSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url.replace(/^wss:/, "ws:"), protocols);
  }
}

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `queue-${String(index)}`);

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}

const full = refuseToken({
  statusCode: 403,
  condition: "amqp:resource-limit-exceeded",
  description: "The maximum number of '1000' tokens per connection has been reached.",
});

// Rows SB-17, SB-18.
it("M-08 spreads 2500 entities over connections, none with more than 1000 audiences", async () => {
  const queues = names(2_500);
  await using bus = await serviceBus({ queues, webSocket: true });
  await using client = new ServiceBusClient(bus.connectionString, {
    webSocketOptions: { webSocket: PlainWebSocket },
    customEndpointAddress: bus.webSocket?.endpoint ?? "",
  });
  await inParallel(queues, 50, (queue) => client.createSender(queue).sendMessages({ body: queue }));

  expect(bus.journal.stored()).toHaveLength(2_500);
  const audiences = new Map<number, Set<string>>();
  for (const { connection, audience } of bus.journal.tokens()) {
    audiences.set(connection, (audiences.get(connection) ?? new Set()).add(audience));
  }
  expect(audiences.size).toBeGreaterThanOrEqual(3);
  expect(Math.max(...[...audiences.values()].map((held) => held.size))).toBeLessThanOrEqual(900);
}, 300_000);

it("M-08 sends on another connection when the service says that this one holds too many tokens", async () => {
  const queues = names(100);
  const options = { queues, maxTokensPerConnection: 20 };
  await using bus = await serviceBus(options);
  await using client = new ServiceBusClient(bus.connectionString);
  await inParallel(queues, 10, (queue) => client.createSender(queue).sendMessages({ body: queue }));
  expect(bus.journal.stored()).toHaveLength(100);

  // bare: QuotaExceeded at the first entity beyond the limit, at once.
  await using bareBus = await serviceBus(options);
  const bare = new OfficialClient(bareBus.connectionString);
  const errors: { code?: string }[] = [];
  for (const queue of queues.slice(0, 22)) {
    await bare
      .createSender(queue)
      .sendMessages({ body: queue })
      .catch((error: unknown) => errors.push(error as { code?: string }));
  }
  await bare.close();
  expect(errors.map(({ code }) => code)).toEqual(["QuotaExceeded", "QuotaExceeded"]);
  expect(failureOf(errors[0])).toBeUndefined();
});

it("M-08 has senders that a full connection has no room for move without asking it", async () => {
  const queues = names(12);
  await using bus = await serviceBus({ queues, maxTokensPerConnection: 4 });
  await using client = new ServiceBusClient(bus.connectionString);
  // All are made before the first has learnt of the limit.
  const senders = queues.map((queue) => client.createSender(queue));
  for (const sender of senders) await sender.sendMessages({ body: 1 });
  expect(bus.journal.stored()).toHaveLength(12);
  expect(bus.journal.connections()).toHaveLength(3);
  expect(bus.journal.refusals()).toHaveLength(2);
  // Those that have a link stay on it.
  for (const sender of senders) await sender.sendMessages({ body: 2 });
  expect(bus.journal.attaches().filter(({ role }) => role === "send")).toHaveLength(12);
});

it("M-08 goes on to the next connection although others have filled it again and again", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  bus.faults.next("cbs", full, { times: 3 });
  await using client = new ServiceBusClient(bus.connectionString);
  await client.createSender("orders").sendMessages({ body: 1 });
  expect(bus.journal.stored("orders")).toHaveLength(1);
  expect(bus.journal.connections()).toHaveLength(4);
});

it("M-08 schedules on another connection when this one has no token left for the management node", async () => {
  const queues = names(4);
  await using bus = await serviceBus({ queues, maxTokensPerConnection: 4 });
  await using client = new ServiceBusClient(bus.connectionString);
  const senders = queues.map((queue) => client.createSender(queue));
  await Promise.all(senders.map((sender) => sender.sendMessages({ body: 1 })));
  const later = new Date(Date.now() + 3_600_000);
  const scheduled = await Promise.all([1, 2, 3].map((body) => senders[0]!.scheduleMessages({ body }, later)));
  expect(scheduled.flat()).toHaveLength(3);
  await senders[0]!.sendMessages({ body: 2 });
  expect(bus.journal.stored("queue-0")).toHaveLength(5);
  expect(bus.journal.connections()).toHaveLength(2);
});

it("M-08 peeks on another connection when this one has no token left for the management node", async () => {
  const queues = names(4);
  await using bus = await serviceBus({ queues, maxTokensPerConnection: 4 });
  await using client = new ServiceBusClient(bus.connectionString);
  await Promise.all(queues.map((queue) => client.createSender(queue).sendMessages({ body: queue })));
  const receivers = queues.map((queue) => client.createReceiver(queue));
  for (const receiver of receivers) {
    for (const message of await receiver.receiveMessages(1)) await receiver.completeMessage(message);
  }
  await client.createSender("queue-0").sendMessages({ body: "peeked" });
  const peeked = await receivers[0]!.peekMessages(10);
  expect(peeked.map(({ body }) => body)).toEqual(["peeked"]);
});

it("M-08 renews a lock on another connection when this one has no token left for the management node", async () => {
  await using bus = await serviceBus({
    queues: [{ name: "orders", lockDurationMs: 5_000 }],
    maxTokensPerConnection: 1,
  });
  // The first renewal as early as chance may have it.
  await using client = new ServiceBusClient(bus.connectionString, { resilience: { random: () => 0.99 } });
  await client.createSender("orders").sendMessages({ body: 1 });
  let finish = (): void => {};
  const handled = new Promise<void>((resolve) => (finish = resolve));
  client.createReceiver("orders").subscribe({
    processMessage: () => handled,
    processError: () => Promise.resolve(),
  });
  await expect.poll(() => bus.journal.renewals("orders").length, { timeout: 10_000 }).toBeGreaterThan(0);
  finish();
  await expect
    .poll(() => bus.journal.settled("orders").map(({ disposition }) => disposition))
    .toEqual(["completed"]);
});

it("M-08 accepts no session where its lock's renewal would find no token left", async () => {
  const queues = names(3).map((name) => ({ name, requiresSession: true }));
  await using bus = await serviceBus({ queues, maxTokensPerConnection: 4 });
  await using client = new ServiceBusClient(bus.connectionString, { resilience: { tokensPerConnection: 4 } });
  const sessions = await Promise.all(queues.map(({ name }) => client.acceptSession(name, "a")));
  // The lock of a session can be renewed on its own connection alone.
  await Promise.all(sessions.map((session) => session.renewSessionLock()));
  expect(bus.journal.refusals()).toEqual([]);
  expect(bus.journal.connections()).toHaveLength(2);
});

it("M-08 accepts sessions on another connection when the service refuses to renew a lock on this one", async () => {
  const queues = names(2).map((name) => ({ name, requiresSession: true }));
  await using bus = await serviceBus({ queues, maxTokensPerConnection: 3 });
  // Such a clock makes no sense of when a lock ends, so each is renewed at once.
  const clock = { ...systemClock, wallNow: () => Date.now() + 3_600_000 };
  await using client = new ServiceBusClient(bus.connectionString, { resilience: { clock } });
  const renewed = (): unknown[] =>
    bus.journal.sessions().flatMap(({ event, sessionId }) => (event === "renewed" ? [sessionId] : []));
  await client.acceptSession("queue-0", "a");
  await expect.poll(renewed).toContain("a");
  const held = await client.acceptSession("queue-1", "b");
  await expect.poll(() => bus.journal.refusals()).not.toEqual([]);
  await expect(held.getSessionState()).rejects.toMatchObject({ code: "QuotaExceeded" });
  await expect
    .poll(async () => {
      await client.acceptSession("queue-1", `c ${String(performance.now())}`);
      return renewed();
    })
    .toContainEqual(expect.stringMatching("c "));
});

it.for([3, 12])(
  "M-08 subscribes on the next connection after %i were full, which processError hears of many alone",
  async (times, { expect: here }) => {
    await using bus = await serviceBus({ queues: ["orders"] });
    const events: HoldfastEvent[] = [];
    const policies = serviceBusPolicies({
      "serviceBus.subscribe": { backoff: backoff.steps({ delaysMs: [1], jitterMs: 0 }) },
    });
    await using client = new ServiceBusClient(bus.connectionString, {
      resilience: { policies, onEvent: (event) => events.push(event) },
    });
    await client.createSender("orders").sendMessages({ body: 1 });
    bus.faults.next("cbs", full, { times });
    const bodies: unknown[] = [];
    const errors: unknown[] = [];
    client.createReceiver("orders").subscribe({
      processMessage: ({ body }) => Promise.resolve(void bodies.push(body)),
      processError: ({ error }) => Promise.resolve(void errors.push(error)),
    });
    await here.poll(() => bodies, { timeout: 20_000 }).toEqual([1]);
    here(errors.length).toBe(times > 10 ? 1 : 0);
    const moves = events.filter((event) => event.type === "retry" && event.fault.kind === "token-limit");
    here(moves.length).toBe(times);
  },
);

it("M-08 closes a connection that is full once its last link is closed", async () => {
  const queues = names(9);
  await using bus = await serviceBus({ queues });
  await using client = new ServiceBusClient(bus.connectionString, { resilience: { tokensPerConnection: 3 } });
  for (const queue of queues) {
    const sender = client.createSender(queue);
    await sender.sendMessages({ body: queue });
    await sender.close();
  }
  await expect
    .poll(() => bus.journal.connections().filter(({ closedAt }) => closedAt === undefined).length)
    .toBe(1);
  expect(bus.journal.connections()).toHaveLength(3);
});
