import {
  ServiceBusAdministrationClient,
  type ServiceBusAdministrationClientOptions,
} from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  delayAcknowledgement,
  dropConnection,
  loseAcknowledgement,
  refuseAdmin,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";

let bus: ServiceBusSimulator;
let admin: ServiceBusAdministrationClient;

beforeEach(async () => {
  bus = await serviceBus({
    tls: true,
    queues: ["orders"],
    topics: [{ name: "events", subscriptions: ["all"] }],
    keys: [
      { name: "root", key: "c2VjcmV0", claims: ["Send", "Listen", "Manage"] },
      { name: "sender", key: "b3RoZXI=", claims: ["Send"] },
    ],
  });
  admin = administration();
});

afterEach(async () => {
  await bus.close();
});

/** The official client, which finds HTTPS on the very port of AMQP over TLS. It trusts the certificate by an option. */
function administration(
  connectionString = bus.tls!.connectionString,
  options: ServiceBusAdministrationClientOptions = {},
): ServiceBusAdministrationClient {
  return new ServiceBusAdministrationClient(connectionString, {
    tlsOptions: { ca: bus.tls!.ca },
    retryOptions: { maxRetries: 0 },
    ...options,
  });
}

describe("the official administration client", () => {
  it("creates, reads, changes and deletes a queue", async () => {
    const created = await admin.createQueue("made", {
      lockDuration: "PT30S",
      requiresSession: true,
      maxDeliveryCount: 5,
      defaultMessageTimeToLive: "P1DT2H",
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: "PT5M",
      deadLetteringOnMessageExpiration: true,
      forwardDeadLetteredMessagesTo: "orders",
      userMetadata: "<notes> & more",
      maxSizeInMegabytes: 2048,
    });
    expect(created).toMatchObject({
      name: "made",
      lockDuration: "PT30S",
      requiresSession: true,
      maxDeliveryCount: 5,
      defaultMessageTimeToLive: "P1DT2H",
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: "PT5M",
      deadLetteringOnMessageExpiration: true,
      userMetadata: "<notes> & more",
      maxSizeInMegabytes: 2048,
      status: "Active",
      enablePartitioning: false,
      autoDeleteOnIdle: "P10675199DT2H48M5.4775807S",
    });
    expect(created.forwardDeadLetteredMessagesTo).toMatch(/^sb:\/\/.*\/orders$/);
    expect(await admin.getQueue("made")).toMatchObject({ name: "made", lockDuration: "PT30S" });
    const updated = await admin.updateQueue({ ...created, maxDeliveryCount: 7, status: "ReceiveDisabled" });
    expect(updated).toMatchObject({ maxDeliveryCount: 7, status: "ReceiveDisabled", requiresSession: true });
    expect(bus.queue("made").status).toBe("ReceiveDisabled");
    expect(await admin.queueExists("made")).toBe(true);
    await admin.deleteQueue("made");
    expect(await admin.queueExists("made")).toBe(false);
    expect(
      bus.journal.admin("made").map(({ method, status, isUpdate }) => [method, status, isUpdate]),
    ).toEqual([
      ["PUT", 201, false],
      ["GET", 200, false],
      ["PUT", 200, true],
      ["GET", 200, false],
      ["DELETE", 200, false],
      ["GET", 200, false],
    ]);
  });

  it("makes entities that messages flow through, and counts them", async () => {
    await admin.createTopic("made");
    await admin.createSubscription("made", "all", { maxDeliveryCount: 1 });
    await admin.createSubscription("made", "reds", {
      defaultRuleOptions: { name: "reds", filter: { applicationProperties: { colour: "red", size: 2 } } },
    });
    expect((await admin.getRule("made", "reds", "reds")).filter).toEqual(
      expect.objectContaining({ applicationProperties: { colour: "red", size: 2 } }),
    );
    const client = officialClient(bus);
    await client.createSender("made").sendMessages([{ body: 1 }, { body: 2 }]);
    const receiver = client.createReceiver("made", "all");
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    await receiver.deadLetterMessage(message!);
    await client.close();
    expect(await admin.getSubscriptionRuntimeProperties("made", "all")).toMatchObject({
      activeMessageCount: 1,
      deadLetterMessageCount: 1,
      totalMessageCount: 2,
    });
    expect(bus.subscription("made", "reds").activeMessages).toBe(0);
    expect(await admin.getTopicRuntimeProperties("made")).toMatchObject({
      subscriptionCount: 2,
      scheduledMessageCount: 0,
    });
    const counts = await admin.getQueueRuntimeProperties("orders");
    expect(counts).toMatchObject({
      activeMessageCount: 0,
      sizeInBytes: 0,
      transferDeadLetterMessageCount: 0,
    });
    expect(counts.createdAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it("creates, reads, changes and deletes topics, subscriptions and rules", async () => {
    await admin.createTopic("made", { userMetadata: "mine" });
    const topic = await admin.getTopic("made");
    await admin.updateTopic({ ...topic, status: "SendDisabled" });
    expect(await admin.getTopic("made")).toMatchObject({ status: "SendDisabled", userMetadata: "mine" });
    const subscription = await admin.createSubscription("made", "s", {
      lockDuration: "PT20S",
      requiresSession: true,
    });
    await admin.updateSubscription({ ...subscription, lockDuration: "PT10S" });
    expect(await admin.getSubscription("made", "s")).toMatchObject({
      topicName: "made",
      subscriptionName: "s",
      lockDuration: "PT10S",
      requiresSession: true,
    });
    await admin.createRule(
      "made",
      "s",
      "sql",
      { sqlExpression: "amount > 3" },
      { sqlExpression: "SET big = TRUE" },
    );
    await admin.createRule("made", "s", "correlated", {
      subject: "paint",
      applicationProperties: { colour: "red", size: 2, shiny: true },
    });
    expect(await admin.getRule("made", "s", "sql")).toMatchObject({
      name: "sql",
      filter: { sqlExpression: "amount > 3" },
      action: { sqlExpression: "SET big = TRUE" },
    });
    const correlated = await admin.getRule("made", "s", "correlated");
    expect(correlated.filter).toMatchObject({
      subject: "paint",
      applicationProperties: { colour: "red", size: 2, shiny: true },
    });
    await admin.updateRule("made", "s", { ...correlated, filter: { sqlExpression: "1=0" } });
    const names: string[] = [];
    for await (const { name } of admin.listRules("made", "s")) names.push(name);
    expect(names).toEqual(["$Default", "sql", "correlated"]);
    await admin.deleteRule("made", "s", "$Default");
    expect(await admin.ruleExists("made", "s", "$Default")).toBe(false);
    await admin.deleteSubscription("made", "s");
    expect(await admin.subscriptionExists("made", "s")).toBe(false);
    await admin.deleteTopic("made");
    expect(await admin.topicExists("made")).toBe(false);
  });

  it("lists page by page", async () => {
    for (let index = 0; index < 5; index++) await admin.createQueue(`queue-${index}`);
    const pages: string[][] = [];
    for await (const page of admin.listQueues().byPage({ maxPageSize: 2 })) {
      pages.push(page.map(({ name }) => name));
    }
    expect(pages).toEqual([
      ["orders", "queue-0"],
      ["queue-1", "queue-2"],
      ["queue-3", "queue-4"],
    ]);
    const topics: string[] = [];
    for await (const { name } of admin.listTopics()) topics.push(name);
    expect(topics).toEqual(["events"]);
    const subscriptions: string[] = [];
    for await (const { subscriptionName } of admin.listSubscriptions("events"))
      subscriptions.push(subscriptionName);
    expect(subscriptions).toEqual(["all"]);
    for await (const { subscriptionName, activeMessageCount } of admin.listSubscriptionsRuntimeProperties(
      "events",
    )) {
      expect([subscriptionName, activeMessageCount]).toEqual(["all", 0]);
    }
  });

  it("tells of the namespace", async () => {
    expect(await admin.getNamespaceProperties()).toMatchObject({
      messagingSku: "Standard",
      name: "localhost",
    });
  });

  it("detaches clients when it disables or deletes what they use", async () => {
    const client = officialClient(bus);
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    await admin.deleteQueue("orders");
    await expect
      .poll(() => bus.journal.detaches("orders"))
      .toMatchObject([{ by: "service", condition: "amqp:not-found" }]);
    await client.close();
  });
});

describe("what the administration refuses", () => {
  it("what exists already, what is not there, and what cannot be", async () => {
    await expect(admin.createQueue("ORDERS")).rejects.toMatchObject({
      statusCode: 409,
      code: "MessageEntityAlreadyExistsError",
      message: expect.stringMatching(/SubCode=40900.*TrackingId:.*Timestamp:/s) as string,
    });
    await expect(admin.getQueue("nothing")).rejects.toMatchObject({ code: "MessageEntityNotFoundError" });
    await expect(admin.deleteQueue("nothing")).rejects.toMatchObject({
      statusCode: 404,
      code: "MessageEntityNotFoundError",
    });
    await expect(admin.getSubscription("events", "none")).rejects.toMatchObject({ statusCode: 404 });
    await expect(admin.createSubscription("nothing", "s")).rejects.toMatchObject({ statusCode: 404 });
    await expect(admin.createQueue("slow", { lockDuration: "PT1H" })).rejects.toMatchObject({
      statusCode: 400,
      code: "ServiceError",
      message: expect.stringMatching(/allowed maximum of '5' minutes/) as string,
    });
    await expect(
      admin.createRule("events", "all", "bad", { sqlExpression: "a = = b" }),
    ).rejects.toMatchObject({
      statusCode: 400,
    });
    const orders = await admin.getQueue("orders");
    await expect(admin.updateQueue({ ...orders, requiresSession: true })).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it("what the documentation says that it refuses: sizes, long names, express with duplicates, other partitioning", async () => {
    const refused = (call: Promise<unknown>, words: RegExp): Promise<void> =>
      expect(call).rejects.toMatchObject({
        statusCode: 400,
        message: expect.stringMatching(words) as string,
      });
    await refused(
      admin.createQueue("odd", { maxSizeInMegabytes: 16_384 }),
      /^SubCode=40000\. The specified value 16384 is invalid\. The property 'MaxSizeInMegabytes', must be one of the following values: 1024;2048;3072;4096;5120/,
    );
    await refused(admin.createTopic("odd", { maxSizeInMegabytes: 1_500 }), /1024;2048;3072;4096;5120/);
    const both = { enableExpress: true, requiresDuplicateDetection: true };
    await refused(admin.createTopic("odd", both), /Both DelayedPersistence and RequiresDuplicateDetection/);
    await refused(admin.createSubscription("events", "s".repeat(51)), /50/);
    await refused(admin.createRule("events", "all", "r".repeat(51), { sqlExpression: "1=1" }), /50/);
    const [queue, topic] = [await admin.getQueue("orders"), await admin.getTopic("events")];
    await refused(
      admin.updateQueue({ ...queue, enablePartitioning: true }),
      /Partitioning cannot be changed/,
    );
    await refused(
      admin.updateTopic({ ...topic, enablePartitioning: true }),
      /Partitioning cannot be changed/,
    );
    await admin.createSubscription("events", "s".repeat(50));
    const whole = await admin.createQueue("whole", { enablePartitioning: true });
    await admin.updateQueue({ ...whole, maxDeliveryCount: 3 });
  });

  it("a bad signature and a key without the claim", async () => {
    const wrong = administration(bus.tls!.connectionString.replace("c2VjcmV0", "d3Jvbmc="));
    await expect(wrong.getQueue("orders")).rejects.toMatchObject({
      statusCode: 401,
      code: "UnauthorizedRequestError",
      message: expect.stringMatching(/^claim is empty/) as string,
    });
    const sender = administration(
      bus.connectionStringFor("sender", `sb://localhost:${String(bus.tls!.port)}`),
    );
    await expect(sender.getQueue("orders")).rejects.toMatchObject({
      statusCode: 401,
      message: expect.stringMatching(/Manage,EntityRead claims/) as string,
    });
  });

  it("nothing to a bearer token", async () => {
    const credential = {
      getToken: async () => ({ token: "opaque", expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    const client = new ServiceBusAdministrationClient(`localhost:${String(bus.tls!.port)}`, credential, {
      tlsOptions: { ca: bus.tls!.ca },
    });
    expect((await client.getQueue("orders")).name).toBe("orders");
  });

  it("what the script says: throttled with a Retry-After, late, lost, dropped", async () => {
    bus.faults.next("admin", refuseAdmin({ status: 503, retryAfterSeconds: 7 }), { entity: "orders" });
    const refused = await admin.getQueue("orders").catch((error: unknown) => error);
    expect(refused).toMatchObject({ statusCode: 503, code: "ServerBusyError" });
    expect(
      (refused as { response: { headers: Map<string, string> } }).response.headers.get("retry-after"),
    ).toBe("7");
    bus.faults.next("admin", delayAcknowledgement(50));
    expect((await admin.getQueue("orders")).name).toBe("orders");
    bus.faults.next("admin", dropConnection({ stored: true }));
    await expect(admin.createQueue("made")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(bus.queue("made").status).toBe("Active");
    bus.faults.next("admin", loseAcknowledgement());
    await expect(admin.deleteQueue("made", { abortSignal: AbortSignal.timeout(300) })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(() => bus.queue("made")).toThrow(RangeError);
    expect(bus.journal.admin("made").map(({ status }) => status)).toEqual([undefined, undefined]);
  });

  it("more than the namespace's credits allow", async () => {
    await using poor = await serviceBus({ tls: true, queues: ["orders"], credits: { perSecond: 20 } });
    const client = new ServiceBusAdministrationClient(poor.tls!.connectionString, {
      tlsOptions: { ca: poor.tls!.ca },
      retryOptions: { maxRetries: 0 },
    });
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => client.getQueue("orders")));
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(refused[0]?.reason).toMatchObject({
      statusCode: 503,
      message: expect.stringMatching(/50009. Please wait 2 seconds/) as string,
    });
  });
});

describe("over plain HTTP", () => {
  it("lists the public services without a token, on the port of AMQP", async () => {
    const response = await fetch(`http://127.0.0.1:${String(bus.port)}/`);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(
      /^<feed xmlns="http:\/\/www.w3.org\/2005\/Atom">.*Publicly Listed Services/,
    );
    const refused = await fetch(`http://127.0.0.1:${String(bus.port)}/orders`);
    expect(refused.status).toBe(401);
    expect(await refused.text()).toMatch(/^<Error><Code>401<\/Code><Detail>/);
  });

  it.each([
    [
      "orders",
      "LockDuration MaxSizeInMegabytes RequiresDuplicateDetection RequiresSession DefaultMessageTimeToLive DeadLetteringOnMessageExpiration DuplicateDetectionHistoryTimeWindow MaxDeliveryCount EnableBatchedOperations SizeInBytes MessageCount IsAnonymousAccessible AuthorizationRules Status CreatedAt UpdatedAt AccessedAt SupportOrdering CountDetails d2p1:ActiveMessageCount d2p1:DeadLetterMessageCount d2p1:ScheduledMessageCount d2p1:TransferMessageCount d2p1:TransferDeadLetterMessageCount AutoDeleteOnIdle EnablePartitioning EntityAvailabilityStatus EnableExpress MaxMessageSizeInKilobytes",
    ],
    [
      "events/subscriptions/ALL",
      "LockDuration RequiresSession DefaultMessageTimeToLive DeadLetteringOnMessageExpiration DeadLetteringOnFilterEvaluationExceptions MessageCount MaxDeliveryCount EnableBatchedOperations Status CreatedAt UpdatedAt AccessedAt CountDetails d2p1:ActiveMessageCount d2p1:DeadLetterMessageCount d2p1:ScheduledMessageCount d2p1:TransferMessageCount d2p1:TransferDeadLetterMessageCount AutoDeleteOnIdle EntityAvailabilityStatus IsClientAffine",
    ],
    [
      "events/Subscriptions/all/Rules/$Default",
      "Filter SqlExpression CompatibilityLevel Action CreatedAt Name",
    ],
  ])("describes %s in the order on which clients of other languages rely", async (path, order) => {
    const response = await fetch(`http://127.0.0.1:${String(bus.port)}/${path}?api-version=2021-05`, {
      headers: { authorization: "Bearer opaque" },
    });
    const [, description = ""] =
      /<\w+Description [^>]*>(.*)<\/\w+Description>/.exec(await response.text()) ?? [];
    const names = [...description.matchAll(/<([\w:]+)/g)].map(([, name]) => name);
    expect(names.join(" ")).toBe(order);
  });
});
