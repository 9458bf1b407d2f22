import {
  blackHole,
  delayAcknowledgement,
  dropConnection,
  ignore,
  resetConnection,
  serviceBus,
} from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { timed } from "../../../test/own-time/own-time.ts";
import { backoff, ServiceBusClient, serviceBusPolicies } from "@holdfast/service-bus";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it("does not reject a send with an AbortError that another call's abort caused", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const client = new ServiceBusClient(bus.connectionString);
  try {
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: "warm" });
    await bus.stop();
    await sleep(100);
    for (let steps = 0; steps < 15; steps += 1) {
      const controller = new AbortController();
      const first = sender
        .sendMessages({ body: 1 }, { abortSignal: controller.signal })
        .catch(() => undefined);
      await sleep(30);
      controller.abort();
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      const patience = new AbortController(); // Leaves nothing waiting for the next round.
      const sending = sender.sendMessages({ body: 2 }, { abortSignal: patience.signal }).then(
        () => "resolved",
        (error: unknown) => (error as Error).name,
      );
      const result = await Promise.race([sending, sleep(30).then(() => "waiting")]);
      expect.soft(result, `${String(steps)} promise steps after the abort`).toBe("waiting");
      patience.abort();
      await first;
      await sleep(20);
    }
  } finally {
    await client.close();
    await bus.close();
  }
});

it("lets a caller send again at once in the catch of an aborted send", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const client = new ServiceBusClient(bus.connectionString);
  try {
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: "warm" });
    await bus.stop();
    await sleep(100);
    const results: string[] = [];
    for (const delayMs of [20, 50, 100, 200, 300]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), delayMs);
      const again = new AbortController();
      const sending = sender.sendMessages({ body: 1 }, { abortSignal: controller.signal }).catch(() =>
        sender.sendMessages({ body: 1 }, { abortSignal: again.signal }).then(
          () => "resolved",
          (error: unknown) => (error as Error).name,
        ),
      );
      results.push(String(await Promise.race([sending, sleep(delayMs + 40).then(() => "waiting")])));
      again.abort();
      await sleep(20);
    }
    expect(results).toEqual(["waiting", "waiting", "waiting", "waiting", "waiting"]);
  } finally {
    await client.close();
    await bus.close();
  }
});

it("reconnects within five seconds when the connection drops while the token is being put", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const client = new ServiceBusClient(bus.connectionString);
  try {
    bus.faults.next("cbs", dropConnection({ how: "fin" }));
    const sending = client.createSender("orders").sendMessages({ body: 1 });
    expect((await timed(sending)).ownMs).toBeLessThan(5_000);
  } finally {
    await client.close();
    await bus.close();
  }
});

it("keeps the sends of several senders waiting while the AMQP open is not answered", async () => {
  const queues = ["q1", "q2", "q3", "q4"];
  const bus = await serviceBus({ queues });
  bus.faults.always("open", ignore());
  const client = new ServiceBusClient(bus.connectionString, {
    // Only to make the test short; the same happens with the default of 10 s.
    resilience: { policies: serviceBusPolicies({ "serviceBus.connect": { attemptTimeoutMs: 1_000 } }) },
  });
  try {
    setTimeout(() => bus.faults.clear(), 6_000);
    const results = await Promise.allSettled(
      queues.map(async (queue, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 300));
        await client.createSender(queue).sendMessages({ body: 1 });
      }),
    );
    expect(results.filter(({ status }) => status === "rejected")).toEqual([]);
  } finally {
    await client.close();
    await bus.close();
  }
});

it("leaves a connection alone that answers others while one entity is slower than its deadline", async () => {
  const bus = await serviceBus({ queues: ["slow", "healthy"] });
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { policies: serviceBusPolicies({ "serviceBus.send": { deadlineMs: 1_500 } }) },
  });
  try {
    const slow = client.createSender("slow");
    const healthy = client.createSender("healthy");
    await slow.sendMessages({ body: 0 });
    bus.faults.always("send", delayAcknowledgement(2_500), { entity: "slow" });
    for (let call = 0; call < 3; call += 1) {
      const late = slow.sendMessages({ body: call }).catch(() => undefined);
      for (let send = 0; send < 10; send += 1)
        await healthy.sendMessages({ body: send }).then(() => sleep(20));
      await late;
    }
    expect(bus.journal.connections()).toHaveLength(1);
  } finally {
    await client.close();
    await bus.close();
  }
});

it("leaves the shared connection alone when a caller aborts a first send", async () => {
  const bus = await serviceBus({ queues: ["q1", "q2"] });
  const client = new ServiceBusClient(bus.connectionString);
  try {
    const healthy = client.createSender("q2");
    await healthy.sendMessages({ body: 1 });
    bus.faults.next("attach", delayAcknowledgement(300), { entity: "q1" });
    await client
      .createSender("q1")
      .sendMessages({ body: 1 }, { abortSignal: AbortSignal.timeout(100) })
      .catch(() => undefined);
    await healthy.sendMessages({ body: 2 });
    expect(bus.journal.connections()).toHaveLength(1);
  } finally {
    await client.close();
    await bus.close();
  }
});

it("is no more patient with a connection that is not answered because others were refused before", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const quick = { backoff: backoff.full({ baseMs: 1, capMs: 10 }) };
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { policies: serviceBusPolicies({ "serviceBus.connect": quick }) },
  });
  try {
    // Doubled with each refusal, the patience with the seventh would last its full 30 s.
    bus.faults.next("connect", resetConnection(), { times: 6 });
    bus.faults.next("connect", blackHole());
    const sending = client.createSender("orders").sendMessages({ body: 1 });
    expect((await timed(sending)).ownMs).toBeLessThan(15_000);
  } finally {
    await client.close();
    await bus.close();
  }
});

it("leaves no socket behind where the links of many entities wait on a connection that is never answered", async () => {
  const entities = Array.from({ length: 12 }, (_, index) => `queue-${index}`);
  const bus = await serviceBus({ queues: entities });
  const client = new ServiceBusClient(bus.connectionString);
  try {
    bus.faults.next("connect", blackHole());
    await Promise.all(entities.map((entity) => client.createSender(entity).sendMessages({ body: entity })));
    // All on one, and not a further one for each that stood in line for the first.
    expect(bus.journal.connections()).toHaveLength(1);
    await client.close();
    await expect
      .poll(() => bus.journal.connections().filter(({ closedAt }) => closedAt === undefined))
      .toEqual([]);
  } finally {
    await client.close();
    await bus.close();
  }
});
