import { createHmac } from "node:crypto";
import { inspect } from "node:util";
import {
  backoff,
  classifyServiceBus,
  ServiceBusAdministrationClient,
  ServiceBusClient,
  serviceBusPolicies,
} from "@holdfast/service-bus";
import { refuseLink, refuseToken, reject } from "@holdfast/simulators/service-bus";
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

describe("SBC-029 a shared access signature that has expired", () => {
  const key = { name: "all", key: "YWxsLXJpZ2h0cw==", claims: ["Manage", "Send", "Listen"] as const };
  const signature = (endsInSeconds: number): { text: string; sig: string; end: string } => {
    const seconds = Math.floor(Date.now() / 1_000) + endsInSeconds;
    const resource = encodeURIComponent("sb://127.0.0.1/");
    const sig = createHmac("sha256", key.key)
      .update(`${resource}\n${String(seconds)}`)
      .digest("base64");
    return {
      text: `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(sig)}&se=${String(seconds)}&skn=${key.name}`,
      sig: encodeURIComponent(sig),
      end: new Date(seconds * 1_000).toISOString(),
    };
  };

  it.each(["connection string", "credential"])(
    "in a %s is named, with its end, never shown",
    async (form) => {
      await using at = await wrappedScene({ keys: [key] });
      const expired = signature(-7_300);
      const host = at.bus.host.replace(/^sb:\/\//, "");
      const connection = (text: string): string =>
        `Endpoint=sb://${host}/;SharedAccessSignature=${text};UseDevelopmentEmulator=true`;
      await using client =
        form === "credential"
          ? new ServiceBusClient(`${at.bus.host};UseDevelopmentEmulator=true;X=/`, {
              signature: expired.text,
            })
          : new ServiceBusClient(connection(expired.text));
      const { error, failure } = await failed(client.createSender(queue).sendMessages({ body: 1 }));
      expect(error).toMatchObject({ name: "ServiceBusError", code: "UnauthorizedAccess" });
      expect(failure).toMatchObject({ kind: "auth", step: "authorization" });
      expect(failure.because).toContain(`expired at ${expired.end}, 2 hours ago`);
      expect(failure.remedy).toContain("updateCredential()");
      expect(inspect([failure, error.message], { depth: 10 })).not.toContain(expired.sig);
      const good = signature(3_600);
      client.updateCredential(form === "credential" ? { signature: good.text } : connection(good.text));
      await client.createSender(queue).sendMessages({ body: 2 });
      expect(at.bus.journal.stored(queue)).toHaveLength(1);
      // It is the clock that is wrong when one that is good is refused for its age.
      at.bus.faults.always("cbs", refuseToken({ description: "ExpiredToken: The token is expired." }));
      const another = await failed(client.createSender("others").sendMessages({ body: 3 }));
      expect(another.failure.because).toContain(good.end);
      expect(another.failure.remedy).toContain("clock");
    },
  );
});

describe("SB-19 a sub code", () => {
  const more = "To know more visit https://aka.ms/sbResourceMgrExceptions.";
  const refusal = (statusCode: number, text: string): Error =>
    Object.assign(new Error(`${text} ${more}`), { name: "RestError", statusCode });

  it.each([
    [400, "SubCode=40000. Bad Request", "client-bug", "40000", /does not accept a value/],
    [
      400,
      "Sub code=40000. The property can't be set, as the namespace is using the 'Basic' Tier.",
      "client-bug",
      "40000",
      /tier/,
    ],
    [
      400,
      "SubCode=40000. The value for the RequiresSession property of an existing Queue cannot be changed.",
      "client-bug",
      "40000",
      /fixed/,
    ],
    [
      400,
      "SubCode=40000. The supplied lock time exceeds the allowed maximum of '5' minutes.",
      "client-bug",
      "40000",
      /five minutes/,
    ],
    [
      400,
      "SubCode=40400. The auto forwarding destination entity does not exist.",
      "client-bug",
      "40400",
      /forward/,
    ],
    [401, "SubCode=40100: Unauthorized : Unauthorized access for 'GetQueue'", "auth", "40100", /right/],
    [401, "40103: Invalid authorization token signature", "auth", "40103", /signature/],
    [
      403,
      "SubCode=40300. The maximum number of resources of type `Queue` has been reached.",
      "quota",
      "40300",
      /as many/,
    ],
    [409, "SubCode=40900. Conflict", "transient", "40900", /present state/],
    [409, "SubCode=40901. Another conflicting operation is in progress", "transient", "40901", /in progress/],
    [429, "SubCode=40901. Another conflicting operation is in progress", "transient", "40901", /in progress/],
    [
      429,
      "SubCode=50004. The request was terminated because the namespace is being throttled.",
      "throttled",
      "50004",
      /requests/,
    ],
    [
      503,
      "SubCode=50009. The request was terminated because the namespace is being throttled",
      "throttled",
      "50009",
      /credits/,
    ],
    [500, "SubCode=50000. Internal Server Error", "transient", "50000", /inside/],
    [499, "SubCode=49999. Something new", "unknown", "49999", /not one/],
  ] as const)("of a %i is known, and what it means said: %s", (status, text, kind, subCode, because) => {
    const fault = classifyServiceBus()(refusal(status, text), Date.now());
    expect({ kind: fault.kind, subCode: fault.subCode }).toEqual({ kind, subCode });
    expect(fault.because).toMatch(because);
    expect(fault.remedy).not.toBe("");
    // A text alone, from a log, is explained alike.
    expect(classifyServiceBus()(text, Date.now())).toMatchObject({
      subCode,
      because: expect.stringMatching(because),
    });
  });

  it("is told by failureOf(), with the official error left as it is; the caller's own rows come first", async () => {
    await using at = await wrappedScene({ tls: true });
    const { connectionString, ca } = at.bus.tls!;
    const ask = (resilience = {}) =>
      failed(
        new ServiceBusAdministrationClient(connectionString, { tlsOptions: { ca }, resilience }).updateQueue({
          ...described,
          lockDuration: "PT10M",
        }),
      );
    const described = await new ServiceBusAdministrationClient(connectionString, {
      tlsOptions: { ca },
    }).getQueue(queue);
    const { error, failure } = await ask();
    expect(error.message).toContain("SubCode=40000");
    expect(failure).toMatchObject({ subCode: "40000", id: "admin-bad-request" });
    expect(failure.because).toContain("five minutes");
    const own = { id: "own", kind: "client-bug", match: { text: /40000/ }, because: "ours", remedy: "ours" };
    expect((await ask({ faults: [own] })).failure).toMatchObject({ subCode: "40000", because: "ours" });
  });
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
