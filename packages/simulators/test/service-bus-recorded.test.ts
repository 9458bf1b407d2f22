import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ServiceBusAdministrationClient } from "@azure/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";

// What the service answered to its Python client, by the recordings in that client's tests
// (azure-sdk-for-python, sdk/servicebus/azure-servicebus/tests/mgmt_tests/recordings), and what the tests of the
// JavaScript client expect of it (azure-sdk-for-js, test/internal/atomManagement.spec.ts).

let bus: ServiceBusSimulator;

beforeEach(async () => {
  bus = await serviceBus({ queues: ["orders"], topics: [{ name: "events", subscriptions: ["all"] }] });
});

afterEach(async () => {
  await bus.close();
});

const SERVICE_BUS = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect";
const INSTANCE = "http://www.w3.org/2001/XMLSchema-instance";

function described(type: string, content = ""): string {
  return `<ns0:entry xmlns:ns0="http://www.w3.org/2005/Atom" xmlns="${SERVICE_BUS}" xmlns:xsi="${INSTANCE}"><ns0:content type="application/xml"><${type}>${content}</${type}></ns0:content></ns0:entry>`;
}

async function ask(
  method: string,
  path: string,
  {
    body,
    headers = {},
    version = "2021-05",
  }: { body?: string; headers?: Record<string, string>; version?: string } = {},
) {
  const response = await fetch(`http://127.0.0.1:${String(bus.port)}/${path}?api-version=${version}`, {
    method,
    headers: { authorization: "Bearer opaque", ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, etag: response.headers.get("etag"), text: await response.text() };
}

const update = { "if-match": "*" };
const more = "To know more visit https://aka.ms/sbResourceMgrExceptions.";

function detail(text: string): string {
  const [, words = ""] = /<Detail>(.*?)(?:\. |\s)TrackingId:/s.exec(text) ?? [];
  return words.replaceAll("&apos;", "'");
}

describe("the administration answers as the service was recorded", () => {
  it.each([
    [
      "what exists already",
      ["PUT", "orders", { body: described("QueueDescription") }],
      409,
      `SubCode=40900. Conflict. You're requesting an operation that isn't allowed in the resource's current state. ${more} `,
    ],
    [
      "a change of what is not there",
      ["PUT", "nothing", { body: described("QueueDescription"), headers: update }],
      404,
      `SubCode=40400. Not Found. The Operation doesn't exist. ${more} `,
    ],
    [
      "a deletion of what is not there",
      ["DELETE", "nothing"],
      404,
      "No service is hosted at the specified address",
    ],
    [
      "a property that must stay",
      [
        "PUT",
        "orders",
        { body: described("QueueDescription", "<RequiresSession>true</RequiresSession>"), headers: update },
      ],
      400,
      `SubCode=40000. The value for the RequiresSession property of an existing Queue cannot be changed. ${more} `,
    ],
    [
      "a lock that is too long",
      [
        "PUT",
        "orders",
        { body: described("QueueDescription", "<LockDuration>P25D</LockDuration>"), headers: update },
      ],
      400,
      `SubCode=40000. The supplied lock time exceeds the allowed maximum of '5' minutes. ${more} \r\nParameter name: LockDuration\r\nActual value was 25.00:00:00`,
    ],
    [
      "a subscription that is not there",
      ["PUT", "events/subscriptions/none", { body: described("SubscriptionDescription"), headers: update }],
      404,
      /^Entity '.*:Topic:events\|none' was not found\. To know more visit/,
    ],
    [
      "a rule that is not there",
      ["DELETE", "events/subscriptions/all/rules/none"],
      404,
      /^Entity '.*:Topic:events\|all\|none' was not found\./,
    ],
    [
      "a name that cannot be",
      ["PUT", "or(ders)", { body: described("QueueDescription") }],
      400,
      /Entity segments can contain only letters, numbers, periods \(\.\), hyphens \(-\), and underscores \(_\)\./,
    ],
    [
      "forwarding to what is not there",
      ["PUT", "new", { body: described("QueueDescription", "<ForwardTo>nothing</ForwardTo>") }],
      400,
      /^SubCode=40000\. .*'nothing' does not exist/,
    ],
  ] as const)("to %s", async (_what, [method, path, options], status, words) => {
    const answer = await ask(method, path, options);
    expect(answer.status).toBe(status);
    if (typeof words === "string") expect(detail(answer.text)).toBe(words);
    else expect(detail(answer.text)).toMatch(words);
    expect(bus.journal.admin()).toMatchObject([{ method, status }]);
  });

  it("names the request's own address as the system that can be asked", async () => {
    const { text } = await ask("DELETE", "nothing");
    expect(text).toMatch(new RegExp(`SystemTracker:127.0.0.1:${String(bus.port)}:nothing, Timestamp:`));
  });

  it("tells the version of what it shows by .NET's ticks, and of a new entity no numbers yet", async () => {
    const created = await ask("PUT", "made", { body: described("QueueDescription") });
    expect(created).toMatchObject({ status: 201, etag: null });
    expect(created.text).not.toMatch(/AccessedAt|CountDetails/);
    const got = await ask("GET", "made");
    const [, updated = ""] = /<UpdatedAt>(.*)<\/UpdatedAt>/.exec(got.text) ?? [];
    expect(got.etag).toBe(String(BigInt(Date.parse(updated)) * 10_000n + 621_355_968_000_000_000n));
    expect(got.text).toMatch(/<AccessedAt>0001-01-01T00:00:00Z<\/AccessedAt>.*<CountDetails/);
    expect(await ask("DELETE", "made")).toMatchObject({ status: 200, etag: got.etag, text: "" });
  });

  it("speaks of large messages only to those who know of them", async () => {
    expect((await ask("GET", "orders", { version: "2017-04" })).text).not.toContain(
      "MaxMessageSizeInKilobytes",
    );
    expect((await ask("GET", "orders")).text).toContain("<MaxMessageSizeInKilobytes>256<");
  });

  it("tells when an entity was last used", async () => {
    const client = officialClient(bus);
    await client.createSender("orders").sendMessages({ body: 1 });
    const { text } = await ask("GET", "orders");
    const [created, updated, accessed] = ["CreatedAt", "UpdatedAt", "AccessedAt"].map((name) =>
      Date.parse(new RegExp(`<${name}>(.*)</${name}>`).exec(text)?.[1] ?? ""),
    );
    expect(created).toBeLessThanOrEqual(updated!);
    expect(accessed).toBeGreaterThan(updated!);
    await client.close();
  });
});

describe("the official administration client gets back what it gave", () => {
  let secure: ServiceBusSimulator;
  let admin: ServiceBusAdministrationClient;

  beforeEach(async () => {
    secure = await serviceBus({
      tls: true,
      queues: ["orders"],
      topics: [{ name: "events", subscriptions: ["all"] }],
    });
    admin = new ServiceBusAdministrationClient(secure.tls!.connectionString, {
      tlsOptions: { ca: secure.tls!.ca },
    });
  });

  afterEach(async () => {
    await secure.close();
  });

  it("of a queue: what it only keeps, authorization rules, and the size of sixteen partitions", async () => {
    const given = {
      enableBatchedOperations: false,
      enablePartitioning: true,
      requiresSession: true,
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: "PT1M",
      status: "ReceiveDisabled" as const,
      authorizationRules: [
        {
          claimType: "SharedAccessKey",
          accessRights: ["Manage" as const, "Send" as const, "Listen" as const],
          keyName: "allClaims",
          primaryKey: "cHJpbWFyeQ==",
          secondaryKey: "c2Vjb25kYXJ5",
        },
      ],
    };
    expect(await admin.createQueue("made", given)).toMatchObject({ ...given, maxSizeInMegabytes: 16_384 });
    const got = await admin.getQueue("made");
    expect(got).toMatchObject({ ...given, maxSizeInMegabytes: 16_384 });
    expect(await admin.updateQueue({ ...got, maxDeliveryCount: 3 })).toMatchObject({
      ...given,
      maxSizeInMegabytes: 16_384,
      maxDeliveryCount: 3,
    });
  });

  it("of all that may be said when an entity is made, and all that may be changed", async () => {
    const lasting = {
      defaultMessageTimeToLive: "P2D",
      autoDeleteOnIdle: "PT1H",
      enableBatchedOperations: false,
      userMetadata: '<meta> & "quoted" é',
      status: "Disabled" as const,
    };
    const receiving = {
      ...lasting,
      lockDuration: "PT2M",
      deadLetteringOnMessageExpiration: true,
      maxDeliveryCount: 7,
    };
    const detecting = { requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindow: "PT3M" };
    const sized = { maxSizeInMegabytes: 2_048, maxMessageSizeInKilobytes: 2_048 };
    const changed = {
      maxDeliveryCount: 3,
      userMetadata: "other",
      status: "Active" as const,
      autoDeleteOnIdle: "PT2H",
    };

    const queue = { ...receiving, ...detecting, ...sized, requiresSession: true };
    expect(await admin.createQueue("q", queue)).toMatchObject(queue);
    await admin.updateQueue({ ...(await admin.getQueue("q")), ...changed });
    expect(await admin.getQueue("q")).toMatchObject({ ...queue, ...changed });

    const topic = { ...lasting, ...detecting, ...sized, supportOrdering: false };
    expect(await admin.createTopic("t", topic)).toMatchObject(topic);
    const { maxDeliveryCount: _, ...ofTopic } = changed;
    await admin.updateTopic({ ...(await admin.getTopic("t")), ...ofTopic });
    expect(await admin.getTopic("t")).toMatchObject({ ...topic, ...ofTopic });

    const express = await admin.createTopic("express", { enableExpress: true });
    expect(express.enableExpress).toBe(true);

    const subscription = {
      ...receiving,
      requiresSession: true,
      deadLetteringOnFilterEvaluationExceptions: false,
    };
    expect(await admin.createSubscription("t", "s", subscription)).toMatchObject(subscription);
    await admin.updateSubscription({ ...(await admin.getSubscription("t", "s")), ...changed });
    expect(await admin.getSubscription("t", "s")).toMatchObject({ ...subscription, ...changed });
  });

  it("of a correlation filter: each of its fields, and values of each type", async () => {
    const filter = {
      ...{ correlationId: "c", messageId: "m", to: "t", replyTo: "r", subject: "l" },
      ...{ sessionId: "s", replyToSessionId: "rs", contentType: "ct" },
      applicationProperties: { s: "<a&b>", n: 5, f: 1.25, b: false, d: new Date("2026-01-02T03:04:05.678Z") },
    };
    await admin.createRule("events", "all", "one", filter);
    expect((await admin.getRule("events", "all", "one")).filter).toEqual(filter);
  });

  it("of forwarding: the address under which the client knows the namespace", async () => {
    const made = await admin.createQueue("made", { forwardTo: "orders" });
    expect(made.forwardTo).toBe(`sb://localhost:${String(secure.tls!.port)}/orders`);
  });

  it("of rules: values with their types, and parameters, which count", async () => {
    const filter = {
      sqlExpression: "colour = @colour AND size > @size",
      sqlParameters: { "@colour": "red", "@size": 2 },
    };
    const action = { sqlExpression: "SET seen = @when", sqlParameters: { "@when": "today" } };
    await admin.deleteRule("events", "all", "$Default");
    expect(await admin.createRule("events", "all", "reds", filter, action)).toMatchObject({ filter, action });
    expect(await admin.getRule("events", "all", "reds")).toMatchObject({ filter, action });
    const client = officialClient(secure);
    await client
      .createSender("events")
      .sendMessages(
        [1, 2, 3].map((size) => ({ body: size, applicationProperties: { colour: "red", size } })),
      );
    const [message] = await client.createReceiver("events", "all").receiveMessages(1);
    expect(message).toMatchObject({ body: 3, applicationProperties: { seen: "today" } });
    expect(secure.journal.stored("events/Subscriptions/all")).toHaveLength(1);
    await client.close();
  });

  it("refuses a rule whose parameter has no value", async () => {
    await expect(
      admin.createRule("events", "all", "bad", { sqlExpression: "colour = @colour" }),
    ).rejects.toMatchObject({ statusCode: 400 });
  });
});
