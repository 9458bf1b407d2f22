import { serviceBusPolicies, ServiceBusClient } from "@holdfast/service-bus";
import { ignore, refuseToken } from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { failLookupsFor } from "./lookup.ts";
import { queue } from "./scenarios.ts";
import { failed, wrappedScene } from "./wrapped-scene.ts";

const resilience = { policies: serviceBusPolicies({ "serviceBus.send": { deadlineMs: 2_500 } }) };
const send = (client: ServiceBusClient): Promise<void> =>
  client.createSender(queue).sendMessages({ body: 1 });

it("SB-09 gives up at once on a certificate that is not trusted, and says what to install", async () => {
  await using at = await wrappedScene({ tls: true });
  await using client = new ServiceBusClient(at.bus.tls!.connectionString);
  const { failure, ownMs } = await failed(send(client));
  expect(failure).toMatchObject({ id: "tls", kind: "client-bug" });
  expect(failure.remedy).toContain("NODE_EXTRA_CA_CERTS");
  expect(ownMs).toBeLessThan(5_000);
  expect(
    at.bus.journal.connections().filter(({ transport }) => transport === "tls").length,
  ).toBeLessThanOrEqual(1);
});

it("SBC-007 names the ports when nothing listens, after trying to the end", async () => {
  await using at = await wrappedScene({}, resilience);
  await at.bus.stop();
  const { failure } = await failed(send(at.client));
  expect(failure).toMatchObject({ kind: "disconnected", id: "connection-refused", reason: "deadline" });
  expect(failure.remedy).toContain("5671 (or 443 over WebSockets)");
  expect(failure.attempts.length).toBeGreaterThan(1);
});

describe("what a failure calls", () => {
  it("SBC-036, SBC-039 a namespace that does not resolve: the name", async () => {
    await using at = await wrappedScene();
    const restore = failLookupsFor(60_000);
    await using client = new ServiceBusClient(
      at.bus.connectionString.replace("127.0.0.1", "namespace.holdfast.test"),
      { resilience },
    );
    const { failure } = await failed(send(client));
    restore();
    expect(failure).toMatchObject({ id: "dns", kind: "disconnected" });
  });

  it("SBC-036, SBC-039, SBC-080 an entity that is not there: the entity, by its name, in one attempt", async () => {
    await using at = await wrappedScene();
    const { error, failure } = await failed(at.client.createSender("ordres").sendMessages({ body: 1 }));
    expect(failure).toMatchObject({ id: "SBC-016", code: "MessagingEntityNotFound" });
    expect(error.message).toContain("ordres");
    expect(failure.remedy).toContain("correct its name");
    expect(at.bus.journal.attaches("ordres").length).toBeLessThanOrEqual(1);
  });

  it("SBC-080 an entity whose name is nearly that of one that worked: that one, for senders, receivers and sessions", async () => {
    await using at = await wrappedScene({
      queues: ["orders", { name: "customers", requiresSession: true }],
      topics: [{ name: "news", subscriptions: ["sports"] }],
    });
    const remedyFor = async (call: Promise<unknown>): Promise<string> => (await failed(call)).failure.remedy;
    await using another = new ServiceBusClient(at.bus.connectionString);
    const to = (name: string): Promise<void> => another.createSender(name).sendMessages({ body: 1 });
    expect(await remedyFor(to("ordres"))).not.toContain("worked");
    await at.client.createSender("orders").sendMessages({ body: 1 });
    expect(await remedyFor(to("ordres"))).toContain('"orders" worked in this process');
    expect(await remedyFor(to("Order"))).toContain('"orders" worked in this process');
    expect(await remedyFor(to("offers"))).toContain('"orders"');
    expect(await remedyFor(to("invoices"))).not.toContain("worked");
    await at.client.createReceiver("news", "sports").receiveMessages(1, { maxWaitTimeInMs: 100 });
    const misspelt = another.createReceiver("news", "sport").receiveMessages(1, { maxWaitTimeInMs: 5_000 });
    expect(await remedyFor(misspelt)).toContain('"news/Subscriptions/sports" worked in this process');
    await at.client.createSender("customers").sendMessages({ body: 1, sessionId: "a" });
    await (await at.client.acceptNextSession("customers")).close();
    expect(await remedyFor(another.acceptNextSession("customer"))).toContain('"customers"');
  });

  it("SBC-039 a token that is refused: the token", async () => {
    await using at = await wrappedScene();
    at.bus.faults.always("cbs", refuseToken());
    expect((await failed(send(at.client))).failure).toMatchObject({ id: "SBC-004", kind: "auth" });
  });

  it("SBC-039 a connection that is not opened, and a message that is not answered: which of the two", async () => {
    const timed = {
      policies: serviceBusPolicies({
        "serviceBus.connect": { attemptTimeoutMs: 500 },
        "serviceBus.send": { deadlineMs: 1_500, attemptTimeoutMs: 500 },
      }),
    };
    await using unopened = await wrappedScene({}, timed);
    unopened.bus.faults.always("open", ignore());
    const opening = await failed(send(unopened.client));
    expect(new Set(opening.failure.attempts.map(({ operation }) => operation))).toEqual(
      new Set(["serviceBus.connect"]),
    );
    expect(opening.failure.outcome).toBe("rejected");
    await using unanswered = await wrappedScene({}, timed);
    unanswered.bus.faults.always("send", ignore());
    const sending = await failed(send(unanswered.client));
    expect(sending.failure.attempts.map(({ operation }) => operation)).toContain("serviceBus.send");
    expect(sending.failure.outcome).toBe("unknown");
  });
});
