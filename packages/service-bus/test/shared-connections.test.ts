import {
  serviceBus,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { afterEach, describe, expect, it } from "vitest";
import {
  ServiceBusClient,
  type HoldfastEvent,
  type ResilienceOptions,
  type ServiceBusClientOptions,
} from "@holdfast/service-bus";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function namespace(options: ServiceBusOptions = {}): Promise<ServiceBusSimulator> {
  const bus = await serviceBus({ queues: ["orders"], ...options });
  open.push(() => bus.close());
  return bus;
}

function sharing(
  bus: ServiceBusSimulator,
  resilience: ResilienceOptions = {},
  options: ServiceBusClientOptions = {},
  connectionString = bus.connectionString,
): ServiceBusClient {
  const client = new ServiceBusClient(connectionString, {
    resilience: { shareConnections: true, ...resilience },
    ...options,
  });
  open.push(() => client.close());
  return client;
}

const many = <T>(make: (n: number) => T): T[] => Array.from({ length: 50 }, (_, n) => make(n));
const alive = (bus: ServiceBusSimulator): number =>
  bus.journal.connections().filter(({ closedAt }) => closedAt === undefined).length;

describe("shareConnections", () => {
  it("SBC-079 has 50 clients send over one connection, each closes alone, and the last one ends it", async () => {
    const bus = await namespace();
    const clients = many(() => sharing(bus));
    const senders = clients.map((client) => client.createSender("orders"));
    await Promise.all(senders.map((sender, n) => sender.sendMessages({ body: n })));
    expect(bus.journal.connections()).toHaveLength(1);
    expect(bus.journal.stored("orders")).toHaveLength(50);
    for (const [n, client] of clients.entries()) {
      if (n === 49) break;
      await client.close();
      await senders[49]!.sendMessages({ body: `after ${n}` });
      // Its link is closed, and only its.
      await expect.poll(() => bus.journal.detaches("orders")).toHaveLength(n + 1);
    }
    expect(bus.journal.connections()).toHaveLength(1);
    expect(bus.journal.attaches("orders")).toHaveLength(50);
    expect(bus.journal.stored("orders")).toHaveLength(99);
    expect(alive(bus)).toBe(1);
    await clients[49]!.close();
    await expect.poll(() => alive(bus)).toBe(0);
  });

  it("has 50 clients receive over one connection, and a client that closes disturbs no handler of another", async () => {
    const bus = await namespace({ queues: [{ name: "orders", lockDurationMs: 3_000 }] });
    const clients = many(() => sharing(bus));
    const handled: unknown[] = [];
    let finish = (): void => undefined;
    const held = new Promise<void>((resolve) => (finish = resolve));
    const receivers = clients.map((client) => client.createReceiver("orders"));
    let busy: (typeof receivers)[number] | undefined;
    for (const receiver of receivers) {
      receiver.subscribe({
        async processMessage({ body }) {
          busy = receiver;
          if (body === "held") await held;
          handled.push(body);
        },
        processError: () => Promise.resolve(),
      });
    }
    await expect.poll(() => bus.journal.attaches("orders").length).toBe(50);
    expect(bus.journal.connections()).toHaveLength(1);
    const sender = sharing(bus).createSender("orders");
    await sender.sendMessages({ body: "held" });
    await expect.poll(() => busy).toBeDefined();
    await Promise.all(clients.filter((_, n) => receivers[n] !== busy).map((client) => client.close()));
    // For longer than a lock lasts: it is renewed over the entity's management node, which all had in common.
    await expect.poll(() => bus.journal.renewals("orders").length).toBeGreaterThan(2);
    finish();
    await expect
      .poll(() => bus.journal.settled("orders").map(({ disposition }) => disposition))
      .toEqual(["completed"]);
    expect(bus.journal.delivered("orders")).toHaveLength(1);
    await sender.sendMessages({ body: "next" });
    await expect.poll(() => handled).toEqual(["held", "next"]);
    // One for all receivers, one for the sender.
    expect(bus.journal.connections()).toHaveLength(2);
  });

  it("has 50 clients hold sessions over one connection", async () => {
    const bus = await namespace({ queues: [{ name: "chats", requiresSession: true }] });
    const clients = many(() => sharing(bus));
    const sessions = await Promise.all(
      clients.map((client, n) => client.acceptSession("chats", `chat ${n}`)),
    );
    expect(bus.journal.connections()).toHaveLength(1);
    await Promise.all(clients.slice(1).map((client) => client.close()));
    await sessions[0]!.setSessionState("still held");
    expect(await sessions[0]!.getSessionState()).toBe("still held");
    expect(alive(bus)).toBe(1);
  });

  it("brings all back over one connection after an outage, and tells each", async () => {
    const bus = await namespace();
    const events: HoldfastEvent[][] = many(() => []);
    const clients = events.map((heard) => sharing(bus, { onEvent: (event) => heard.push(event) }));
    const senders = clients.map((client) => client.createSender("orders"));
    await Promise.all(senders.map((sender) => sender.sendMessages({ body: 1 })));
    await bus.restart({ downMs: 300 });
    await Promise.all(senders.map((sender) => sender.sendMessages({ body: 2 })));
    expect(bus.journal.stored("orders")).toHaveLength(100);
    expect(alive(bus)).toBe(1);
    for (const heard of events) expect(heard.map(({ type }) => type)).toContain("disconnected");
  });

  it("moves all together to a new connection when one client finds that it does not answer", async () => {
    const bus = await namespace();
    const senders = many(() =>
      sharing(bus, {}, { retryOptions: { timeoutInMs: 3_000 } }).createSender("orders"),
    );
    await Promise.all(senders.map((sender) => sender.sendMessages({ body: 1 })));
    bus.freeze();
    await Promise.all(senders.map((sender) => sender.sendMessages({ body: 2 })));
    expect(bus.journal.stored("orders").length).toBe(100);
    expect(bus.journal.connections()).toHaveLength(2);
  });

  it("lets every client finish what it has in hand when all close at once", async () => {
    const bus = await namespace({ acknowledgementDelayMs: 200 });
    const clients = many(() => sharing(bus));
    const sent = clients.map((client, n) => client.createSender("orders").sendMessages({ body: n }));
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(sent);
    expect(bus.journal.attempts("orders")).toHaveLength(50);
    await expect.poll(() => alive(bus)).toBe(0);
    // And who comes later begins anew.
    await sharing(bus).createSender("orders").sendMessages({ body: "later" });
    expect(bus.journal.connections()).toHaveLength(2);
  });

  it("shares with nobody who identifies or connects himself otherwise, or did not ask for it", async () => {
    const bus = await namespace({
      keys: ["one", "two"].map((name) => ({
        ...{ name, key: Buffer.from(name).toString("base64"), claims: ["Send"] as const },
      })),
    });
    const as = (name: string): string => `${bus.connectionStringFor(name)};UseDevelopmentEmulator=true`;
    const clients = [
      sharing(bus, {}, {}, as("one")),
      sharing(bus, {}, {}, as("one")),
      sharing(bus, {}, {}, as("two")),
      sharing(bus, { tokensPerConnection: 10 }, {}, as("one")),
      sharing(bus, {}, { identifier: "mine" }, as("one")),
      sharing(bus, {}, { userAgentOptions: { userAgentPrefix: "mine" } }, as("one")),
      sharing(bus, {}, { userAgentOptions: { userAgentPrefix: "mine" } }, as("one")),
      sharing(bus, { shareConnections: false }, {}, as("one")),
    ];
    for (const client of clients) await client.createSender("orders").sendMessages({ body: 1 });
    expect(bus.journal.attaches("orders").map(({ connection }) => connection)).toEqual([
      1, 1, 2, 3, 4, 5, 5, 6,
    ]);
  });

  it("identifies all anew when one is given a new key, and whoever comes with that key joins them", async () => {
    const keys = ["old", "new"].map((name) => ({
      ...{ name, key: Buffer.from(name).toString("base64"), claims: ["Send", "Listen"] as const },
    }));
    const bus = await namespace({ keys, queues: ["orders", { name: "chats", requiresSession: true }] });
    const as = (name: string): string => `${bus.connectionStringFor(name)};UseDevelopmentEmulator=true`;
    const [one, two] = [sharing(bus, {}, {}, as("old")), sharing(bus, {}, {}, as("old"))];
    await one.createSender("orders").sendMessages({ body: 1 });
    await one.acceptSession("chats", "first");
    const before = bus.journal.tokens().length;
    one.updateCredential(as("new"));
    await two.createSender("orders").sendMessages({ body: 2 });
    await two.acceptSession("chats", "second");
    await sharing(bus, {}, {}, as("new")).createSender("orders").sendMessages({ body: 3 });
    const names = bus.journal.tokens().map(({ keyName }) => keyName);
    expect(new Set(names.slice(0, before))).toEqual(new Set(["old"]));
    expect(new Set(names.slice(before))).toEqual(new Set(["new"]));
    const sending = bus.journal.attaches("orders").map(({ connection }) => connection);
    expect(new Set(sending).size).toBe(2);
  });

  it("SBC-087 is advised once when more than ten clients have connections of their own, and again when they were fewer", async () => {
    const bus = await namespace();
    const events: HoldfastEvent[] = [];
    const own = { shareConnections: false, onEvent: (event: HoldfastEvent) => events.push(event) };
    const clients = Array.from({ length: 20 }, () => sharing(bus, own));
    many(() => sharing(bus));
    expect(events).toEqual([
      { type: "many-clients", operation: "serviceBus.connect", target: bus.host, live: 11 },
    ]);
    await Promise.all(clients.slice(5).map((client) => client.close()));
    for (let more = 0; more < 6; more += 1) sharing(bus, own);
    expect(events).toHaveLength(2);
  });

  it("says what it takes", () => {
    const resilience = { shareConnections: "yes" } as unknown as ResilienceOptions;
    expect(
      () => new ServiceBusClient("Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=k", { resilience }),
    ).toThrow(/resilience.shareConnections must be true or false; got "yes"/);
  });
});
