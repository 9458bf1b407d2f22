import * as official from "@azure/service-bus";
import {
  dropConnection,
  loseAcknowledgement,
  refuseAdmin,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { timed } from "../../../test/own-time/own-time.ts";
import {
  failureOf,
  ServiceBusAdministrationClient,
  serviceBusPolicies,
  type HoldfastEvent,
  type ServiceBusAdministrationClientOptions,
} from "@holdfast/service-bus";
import { administrationCalls, existenceChecks, listings } from "../src/administration-calls.ts";

let bus: ServiceBusSimulator;
const key = "c2VjcmV0LWtleS1vZi10aGUtdGVzdA==";

// A new one, at another port, for each test: what one namespace's throttling taught is remembered for its name.
beforeEach(async () => {
  bus = await serviceBus({
    tls: true,
    queues: ["orders"],
    topics: [{ name: "events", subscriptions: ["all"] }],
    keys: [{ name: "root", key, claims: ["Send", "Listen", "Manage"] }],
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bus.close();
});

const namespace = (): string => bus.tls!.connectionString;
const trust = (): { tlsOptions: { ca: string } } => ({ tlsOptions: { ca: bus.tls!.ca } });

function bare(
  options: official.ServiceBusAdministrationClientOptions = {},
): official.ServiceBusAdministrationClient {
  return new official.ServiceBusAdministrationClient(namespace(), { ...trust(), ...options });
}

function wrapped(options: ServiceBusAdministrationClientOptions = {}): ServiceBusAdministrationClient {
  return new ServiceBusAdministrationClient(namespace(), { ...trust(), ...options });
}

/** Ours, with attempts that end soon. */
function hasty(onEvent?: (event: HoldfastEvent) => void): ServiceBusAdministrationClient {
  const policies = serviceBusPolicies({ "serviceBus.administration": { attemptTimeoutMs: 1_000 } });
  return wrapped({ resilience: { policies, ...(onEvent && { onEvent }) } });
}

/** What the service was asked and what it answered. */
const asked = (entity: string): [string, number | undefined][] =>
  bus.journal.admin(entity).map(({ method, status }) => [method, status]);

async function namesOf(listing: AsyncIterable<{ name: string }>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of listing) names.push(name);
  return names;
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail("It resolved."),
    (error: unknown) => error,
  );

describe("the administration client", () => {
  it("goes where the official one's type is asked for", () => {
    const Client: typeof official.ServiceBusAdministrationClient = ServiceBusAdministrationClient;
    const client: official.ServiceBusAdministrationClient = new Client(namespace());
    expect(client).toBeInstanceOf(official.ServiceBusAdministrationClient);
  });

  it("puts every public method of the official one under its policy", () => {
    type Public = keyof official.ServiceBusAdministrationClient;
    type Ours = keyof typeof administrationCalls | keyof typeof existenceChecks | keyof typeof listings;
    // What core-client gives every client, for requests of one's own.
    expectTypeOf<Exclude<Public, Ours>>().toEqualTypeOf<
      "pipeline" | "sendRequest" | "sendOperationRequest"
    >();
    for (const name of Object.keys({ ...administrationCalls, ...existenceChecks, ...listings }))
      expect(Object.hasOwn(ServiceBusAdministrationClient.prototype, name)).toBe(true);
  });
});

describe("a request that is refused for the moment", () => {
  it.each([429, 503])("waits as long as %i asks with Retry-After, then goes through once", async (status) => {
    const rule = bus.faults.next("admin", refuseAdmin({ status, retryAfterSeconds: 2 }), { entity: "made" });
    expect((await wrapped().createQueue("made")).name).toBe("made");
    expect(rule.fired).toBe(1);
    const [refused, made] = bus.journal.admin("made");
    expect([refused?.status, made?.status]).toEqual([status, 201]);
    expect(made!.at - refused!.at).toBeGreaterThanOrEqual(2_000);
    expect(made!.at - refused!.at).toBeLessThan(6_000);
  });

  it("is repeated after 500, 502, 504 and a conflict with another operation", async () => {
    for (const status of [500, 502, 504]) bus.faults.next("admin", refuseAdmin({ status }));
    bus.faults.next(
      "admin",
      refuseAdmin({
        status: 409,
        detail: "SubCode=40901. Conflict. Another conflicting operation is in progress.",
      }),
    );
    expect((await wrapped().getQueue("orders")).name).toBe("orders");
    expect(asked("orders")).toEqual([500, 502, 504, 409, 200].map((status) => ["GET", status]));
  });

  it("is not taken for throttling when a 429 says that another operation is in progress", async () => {
    // The official client knows no 429, and leaves what it says in the response.
    bus.faults.next(
      "admin",
      refuseAdmin({ status: 429, detail: "SubCode=40901. Another conflicting operation is in progress." }),
    );
    const events: HoldfastEvent[] = [];
    await hasty((event) => events.push(event)).getQueue("orders");
    expect(events[0]).toMatchObject({ type: "retry", fault: { kind: "transient", id: "admin-busy" } });
  });

  it("is repeated as often as policy says and no more: the official loop is silent", async () => {
    bus.faults.always("admin", refuseAdmin({ status: 500 }));
    const policies = serviceBusPolicies({ "serviceBus.administration": { attempts: 3 } });
    const error = await rejection(wrapped({ resilience: { policies } }).getQueue("orders"));
    expect(error).toMatchObject({ name: "RestError", statusCode: 500 });
    expect(failureOf(error)).toMatchObject({ kind: "transient", reason: "attempts" });
    expect(asked("orders")).toHaveLength(3);
  });

  it("is repeated as often as the official retryOptions say", async () => {
    bus.faults.always("admin", refuseAdmin({ status: 500 }));
    const retryOptions = { maxRetries: 1, retryDelayInMs: 10, maxRetryDelayInMs: 20 };
    const error = await rejection(wrapped({ retryOptions }).getQueue("orders"));
    expect(error).toMatchObject({ statusCode: 500 });
    expect(asked("orders")).toHaveLength(2);
  });
});

describe("a request that cannot succeed", () => {
  it("is told as a conflict when the entity exists, and asked once", async () => {
    const error = await rejection(wrapped().createQueue("ORDERS"));
    expect(error).toMatchObject({
      name: "RestError",
      statusCode: 409,
      code: "MessageEntityAlreadyExistsError",
    });
    expect(failureOf(error)).toMatchObject({ kind: "conflict", id: "admin-conflict", outcome: "rejected" });
    expect(asked("orders")).toEqual([["PUT", 409]]);
  });

  it("is told as not found, also where the service answers an empty list and 200", async () => {
    const admin = wrapped();
    const missing: [Promise<unknown>, number][] = [
      [admin.getQueue("none"), 200],
      [admin.getTopic("none"), 200],
      [admin.getSubscription("events", "none"), 404],
      [admin.getRule("events", "all", "none"), 404],
      [admin.deleteQueue("none"), 404],
      [admin.getQueueRuntimeProperties("none"), 200],
    ];
    for (const [promise, statusCode] of missing) {
      const error = await rejection(promise);
      expect(error).toMatchObject({ code: "MessageEntityNotFoundError", statusCode });
      expect(failureOf(error)).toMatchObject({ kind: "not-found", id: "admin-not-found" });
    }
    expect(bus.journal.admin()).toHaveLength(missing.length);
  });

  it("is told as what it is when the request is wrong or the key is", async () => {
    const bad = await rejection(wrapped().createQueue("made", { lockDuration: "PT1H" }));
    expect(failureOf(bad)).toMatchObject({ kind: "client-bug" });
    const other = new ServiceBusAdministrationClient(namespace().replace(key, "d3Jvbmc="), trust());
    const refused = await rejection(other.getQueue("orders"));
    expect(refused).toMatchObject({ statusCode: 401 });
    expect(failureOf(refused)).toMatchObject({ kind: "auth" });
    expect(bus.journal.admin().map(({ status }) => status)).toEqual([400, 401]);
  });

  it("shows no key, no signature", async () => {
    bus.faults.always("admin", refuseAdmin({ status: 500 }));
    const events: HoldfastEvent[] = [];
    const policies = serviceBusPolicies({ "serviceBus.administration": { attempts: 2 } });
    const admin = wrapped({ resilience: { policies, onEvent: (event) => events.push(event) } });
    const error = (await rejection(admin.getQueue("orders"))) as Error;
    const said = JSON.stringify([failureOf(error), events, error.message, String(error), error.stack]);
    expect(events.length).toBeGreaterThan(0);
    expect(said).not.toContain(key);
    expect(said).not.toMatch(/sig=|SharedAccessSignature/);
  });
});

describe("a change whose answer was lost", () => {
  const ways = [
    ["the connection broke", () => dropConnection({ stored: true })],
    ["no answer came", () => loseAcknowledgement({ stored: true })],
  ] as const;

  it.each(ways)("is recognised when a creation is repeated: %s", async (_, fault) => {
    bus.faults.next("admin", fault(), { entity: "made" });
    const made = await hasty().createQueue("made", { maxDeliveryCount: 7 });
    expect(made).toMatchObject({ name: "made", maxDeliveryCount: 7 });
    expect(asked("made")).toEqual([
      ["PUT", undefined],
      ["PUT", 409],
      ["GET", 200],
    ]);
  });

  it.each(ways)("is recognised when a deletion is repeated: %s", async (_, fault) => {
    await bare().createQueue("made");
    bus.journal.clear();
    bus.faults.next("admin", fault(), { entity: "made" });
    await hasty().deleteQueue("made");
    expect(asked("made")).toEqual([
      ["DELETE", undefined],
      ["DELETE", 404],
    ]);
  });

  it("is recognised for topics, subscriptions and rules", async () => {
    const admin = hasty();
    const lost = (): void => void bus.faults.next("admin", dropConnection({ stored: true }));
    lost();
    expect((await admin.createTopic("news")).name).toBe("news");
    lost();
    expect((await admin.createSubscription("news", "s")).subscriptionName).toBe("s");
    lost();
    expect((await admin.createRule("news", "s", "big", { sqlExpression: "size > 1" })).name).toBe("big");
    lost();
    const action = { sqlExpression: "SET seen = 1" };
    expect(await admin.createRule("news", "s", "act", { sqlExpression: "1=1" }, action)).toMatchObject({
      action,
    });
    lost();
    await admin.deleteRule("news", "s", "big");
    lost();
    await admin.deleteSubscription("news", "s");
    lost();
    await admin.deleteTopic("news");
    expect(await admin.topicExists("news")).toBe(false);
  });

  it("is still a conflict when the first request certainly changed nothing", async () => {
    bus.faults.next("admin", refuseAdmin({ status: 503, retryAfterSeconds: 0 }), { entity: "orders" });
    const error = await rejection(wrapped().createQueue("orders"));
    expect(failureOf(error)).toMatchObject({ kind: "conflict" });
  });

  it("is made once more when the first one did not reach the service", async () => {
    bus.faults.next("admin", dropConnection({ stored: false }), { entity: "made" });
    expect((await hasty().createQueue("made")).name).toBe("made");
    expect(asked("made")).toEqual([
      ["PUT", undefined],
      ["PUT", 201],
    ]);
  });
});

describe("asking whether an entity exists", () => {
  it("says so, and says not so, in one request", async () => {
    const admin = wrapped();
    expect(await admin.queueExists("orders")).toBe(true);
    expect(await admin.queueExists("none")).toBe(false);
    expect(await admin.topicExists("events")).toBe(true);
    expect(await admin.topicExists("none")).toBe(false);
    expect(await admin.subscriptionExists("events", "all")).toBe(true);
    expect(await admin.subscriptionExists("events", "none")).toBe(false);
    expect(await admin.ruleExists("events", "all", "$Default")).toBe(true);
    expect(await admin.ruleExists("events", "all", "none")).toBe(false);
    expect(bus.journal.admin()).toHaveLength(8);
  });

  it("throws when the service cannot tell, where the official client says that there is none", async () => {
    bus.faults.always("admin", refuseAdmin({ status: 500 }));
    const policies = serviceBusPolicies({ "serviceBus.administration": { attempts: 2 } });
    const admin = wrapped({ resilience: { policies } });
    expect(await bare({ retryOptions: { maxRetries: 0 } }).queueExists("orders")).toBe(false);
    await expect(admin.queueExists("orders")).rejects.toMatchObject({ statusCode: 500 });
    await expect(admin.topicExists("events")).rejects.toMatchObject({ statusCode: 500 });
    await expect(admin.subscriptionExists("events", "all")).rejects.toMatchObject({ statusCode: 500 });
    await expect(admin.ruleExists("events", "all", "$Default")).rejects.toMatchObject({ statusCode: 500 });
  });
});

describe("a listing", () => {
  it("goes on over a page that failed, and names everything once", async () => {
    for (let index = 0; index < 5; index += 1) await bare().createQueue(`q${String(index)}`);
    bus.journal.clear();
    const failing = bus.faults.every(2, "admin", refuseAdmin({ status: 503, retryAfterSeconds: 0 }));
    const pages: string[][] = [];
    for await (const page of wrapped().listQueues().byPage({ maxPageSize: 2 })) {
      pages.push(page.map(({ name }) => name));
    }
    expect(pages).toEqual([
      ["orders", "q0"],
      ["q1", "q2"],
      ["q3", "q4"],
    ]);
    expect(failing.fired).toBeGreaterThanOrEqual(2);
  });

  it("can be begun from a page's token, as the official one", async () => {
    await bare().createQueue("other");
    const first = await wrapped().listQueues().byPage({ maxPageSize: 1 }).next();
    const { continuationToken } = first.value as { continuationToken: string };
    const rest = await wrapped().listQueues().byPage({ continuationToken, maxPageSize: 1 }).next();
    expect((rest.value as { name: string }[]).map(({ name }) => name)).toEqual(["other"]);
  });

  it("goes through all that is listed, with next() as with for await", async () => {
    const admin = wrapped();
    expect(await namesOf(admin.listQueues())).toEqual(["orders"]);
    expect(await namesOf(admin.listTopics())).toEqual(["events"]);
    expect(await namesOf(admin.listRules("events", "all"))).toEqual(["$Default"]);
    expect((await admin.listSubscriptions("events").next()).value).toMatchObject({ subscriptionName: "all" });
    expect((await admin.listQueuesRuntimeProperties().next()).value).toMatchObject({ name: "orders" });
    expect((await admin.listTopicsRuntimeProperties().next()).value).toMatchObject({ subscriptionCount: 1 });
    const counts = await admin.listSubscriptionsRuntimeProperties("events").next();
    expect(counts.value).toMatchObject({ activeMessageCount: 0 });
  });
});

describe("the rest of its methods", () => {
  it("read and change what the official ones do", async () => {
    const admin = wrapped();
    expect((await admin.getNamespaceProperties()).messagingSku).toBe("Standard");
    expect(await admin.getTopicRuntimeProperties("events")).toMatchObject({ subscriptionCount: 1 });
    expect(await admin.getSubscriptionRuntimeProperties("events", "all")).toMatchObject({
      activeMessageCount: 0,
    });
    const queue = await admin.createQueue("made");
    expect(await admin.updateQueue({ ...queue, maxDeliveryCount: 3 })).toMatchObject({ maxDeliveryCount: 3 });
    const topic = await admin.getTopic("events");
    expect(await admin.updateTopic({ ...topic, userMetadata: "mine" })).toMatchObject({
      userMetadata: "mine",
    });
    const subscription = await admin.getSubscription("events", "all");
    expect(await admin.updateSubscription({ ...subscription, maxDeliveryCount: 4 })).toMatchObject({
      maxDeliveryCount: 4,
    });
    const rule = await admin.createRule("events", "all", "r", { sqlExpression: "1=0" });
    const changed = await admin.updateRule("events", "all", { ...rule, filter: { sqlExpression: "1=1" } });
    expect(changed.filter).toMatchObject({ sqlExpression: "1=1" });
    await admin.deleteRule("events", "all", "r");
  });
});

describe("an abort", () => {
  it("ends a wait at once, and a request that is under way", async () => {
    bus.faults.always("admin", refuseAdmin({ status: 503, retryAfterSeconds: 60 }));
    const waited = await timed(wrapped().getQueue("orders", { abortSignal: AbortSignal.timeout(300) }));
    expect(waited.error).toMatchObject({ name: "AbortError" });
    expect(waited.ownMs).toBeLessThan(5_000);
    bus.faults.clear();
    bus.faults.always("admin", loseAcknowledgement());
    const asking = wrapped().getQueue("orders", { abortSignal: AbortSignal.timeout(300) });
    await expect(asking).rejects.toMatchObject({ name: "AbortError" });
    const listing = wrapped().listQueues({ abortSignal: AbortSignal.timeout(300) });
    await expect(listing.next()).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("the official behaviour", () => {
  const asksForIt: [string, () => ServiceBusAdministrationClient][] = [
    ["resilience: false", () => wrapped({ resilience: false, retryOptions: { maxRetries: 0 } })],
    [
      "HOLDFAST_BYPASS=1",
      () => {
        vi.stubEnv("HOLDFAST_BYPASS", "1");
        return wrapped({ retryOptions: { maxRetries: 0 } });
      },
    ],
  ];
  it.each(asksForIt)("is had with %s", async (_, make) => {
    bus.faults.next("admin", refuseAdmin({ status: 503, retryAfterSeconds: 0 }));
    const admin = make();
    const error = await rejection(admin.getQueue("orders"));
    expect(error).toMatchObject({ statusCode: 503 });
    expect(failureOf(error)).toBeUndefined();
    expect(asked("orders")).toEqual([["GET", 503]]);
    expect((await admin.listQueues().next()).value).toMatchObject({ name: "orders" });
  });
});

describe("what it is given", () => {
  it("may be a namespace and a token credential, whose failure is repeated", async () => {
    let calls = 0;
    const credential = {
      getToken: () => {
        calls += 1;
        if (calls === 1) return Promise.reject(new Error("the issuer is away"));
        return Promise.resolve({ token: "opaque", expiresOnTimestamp: Date.now() + 3_600_000 });
      },
    };
    const host = `localhost:${String(bus.tls!.port)}`;
    const admin = new ServiceBusAdministrationClient(host, credential, trust());
    expect((await admin.getQueue("orders")).name).toBe("orders");
    expect(calls).toBe(2);
  });

  it("is refused when the resilience is misspelt, naming option and allowed values", () => {
    const resilience = { pasing: 1 } as object;
    expect(() => wrapped({ resilience })).toThrow(/resilience.*pasing/);
  });
});
