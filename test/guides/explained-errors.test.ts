import {
  backoff,
  classifyServiceBus,
  ServiceBusAdministrationClient,
  serviceBusPolicies,
} from "@holdfast/service-bus";
import { refuseLink, reject } from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { queue } from "./scenarios.ts";
import { failed, wrappedScene } from "./wrapped-scene.ts";

it("SB-03 gives support the tracking id, the system and the time that stand in the service's text", async () => {
  await using at = await wrappedScene();
  at.bus.faults.next(
    "send",
    reject({
      condition: "amqp:not-allowed",
      description:
        "Bad Request. TrackingId:b786d4d1-cbaf-47a8_G22, SystemTracker:NoSystemTracker, Timestamp:2026-01-02T03:04:05",
    }),
  );
  const { failure } = await failed(at.client.createSender(queue).sendMessages({ body: 1 }));
  expect(failure).toMatchObject({
    trackingId: "b786d4d1-cbaf-47a8_G22",
    systemTracker: "NoSystemTracker",
    serverTimestamp: "2026-01-02T03:04:05",
  });
});

describe("a missing right", () => {
  it("SBC-033 is named: a key that may only listen receives, and is told Send and Manage", async () => {
    const key = { name: "listen", key: "bGlzdGVuLW9ubHkta2V5", claims: ["Listen"] as const };
    await using at = await wrappedScene({ tls: true, keys: [key] });
    expect(await at.client.createReceiver(queue).receiveMessages(1, { maxWaitTimeInMs: 2_000 })).toEqual([]);
    const sending = await failed(at.client.createSender(queue).sendMessages({ body: 1 }));
    expect(sending.failure).toMatchObject({ kind: "auth", missingClaim: "Send" });
    const { connectionString, ca } = at.bus.tls!;
    const admin = new ServiceBusAdministrationClient(connectionString, { tlsOptions: { ca } });
    const managing = await failed(admin.getQueue(queue));
    expect(managing.failure).toMatchObject({ kind: "auth" });
    expect(managing.failure.remedy).toContain("Manage");
  });

  it("SB-16, SBC-034 comes with the role that has it, also on a topic", async () => {
    await using at = await wrappedScene({ topics: ["news"] });
    const refusal = (claim: string): ReturnType<typeof refuseLink> =>
      refuseLink({
        condition: "amqp:unauthorized-access",
        description: `Unauthorized access. '${claim}' claim(s) are required to perform this operation. Resource: 'sb://contoso/news'.`,
      });
    at.bus.faults.always("attach", refusal("Send"));
    const { failure } = await failed(at.client.createSender("news").sendMessages({ body: 1 }));
    expect(failure).toMatchObject({ kind: "auth", missingClaim: "Send" });
    for (const role of ["Azure Service Bus Data Sender", "Data Receiver", "Data Owner"])
      expect(failure.remedy).toContain(role);
    // Once more with a new token, and no more.
    expect(at.bus.journal.attaches("news").length).toBeLessThanOrEqual(2);
  });
});

it.each([
  ["SubCode=40000. Bad Request", 400, "client-bug"],
  ["SubCode=40100. Unauthorized", 401, "auth"],
  ["SubCode=40900. Conflict", 409, "transient"],
  ["SubCode=40901. Another conflicting operation is in progress", 409, "transient"],
  ["SubCode=50009. The request was terminated because the namespace is being throttled", 503, "throttled"],
  ["SubCode=99999. Something new", 499, "unknown"],
])("SB-19 knows %s, and throws for no text", (text, statusCode, kind) => {
  const error = Object.assign(new Error(text), { name: "RestError", statusCode });
  expect(classifyServiceBus()(error, Date.now()).kind).toBe(kind);
});

describe("a quota", () => {
  const full = (description: string): ReturnType<typeof refuseLink> =>
    refuseLink({ condition: "amqp:resource-limit-exceeded", description });

  it.each([
    "The maximum entity size has been reached or exceeded for Queue: 'ORDERS'.",
    "ConnectionsQuotaExceeded for namespace contoso.",
  ])("SBC-014 that nobody can mend by trying is told at once: %s", async (text) => {
    await using at = await wrappedScene();
    at.bus.faults.always("attach", full(text));
    const { failure } = await failed(at.client.createSender(queue).sendMessages({ body: 1 }));
    expect(failure).toMatchObject({ kind: "quota", code: "QuotaExceeded" });
    expect(at.bus.journal.attaches(queue)).toHaveLength(1);
  });

  it("SBC-014 of a connection's links is mended by another connection", async () => {
    await using at = await wrappedScene();
    at.bus.faults.next(
      "attach",
      full("Cannot allocate more handles. The maximum number of handles is 4999."),
    );
    await at.client.createSender(queue).sendMessages({ body: 1 });
    expect(at.bus.journal.stored(queue)).toHaveLength(1);
    expect(at.bus.journal.connections()).toHaveLength(2);
  });

  it("SBC-077 of a full entity is waited for where the policy says so", async () => {
    const policies = serviceBusPolicies({
      "serviceBus.send": {
        backoff: backoff.full({ baseMs: 200, capMs: 200 }),
        on: { quota: { action: "retry", limit: Infinity } },
      },
    });
    await using at = await wrappedScene({ queues: [{ name: queue, maxSizeBytes: 300 }] }, { policies });
    const sender = at.client.createSender(queue);
    await sender.sendMessages({ body: "x".repeat(400) }).catch(() => undefined);
    const sending = sender.sendMessages({ body: "late" });
    await expect.poll(() => at.bus.journal.refusals(queue).length).toBeGreaterThan(0);
    const receiver = at.client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
    await receiver.receiveMessages(10, { maxWaitTimeInMs: 15_000 });
    await sending;
    expect(at.bus.journal.stored(queue).at(-1)?.body).toBe("late");
  });
});
