import * as official from "@azure/service-bus";
import { systemClock, type Clock } from "@holdfast/core";
import {
  serviceBus,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { afterEach, describe, expect, it } from "vitest";
import {
  failureOf,
  ServiceBusAdministrationClient,
  ServiceBusClient,
  type HoldfastEvent,
  type ResilienceOptions,
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

/** A token as Entra makes them, as far as the service looks: it says when it ends. */
function jwt(expiresAt: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ exp: Math.ceil(expiresAt / 1_000), jti: Math.random() })}.sig`;
}

/** An issuer that gives tokens of `seconds`, unless it is down. */
function issuer(seconds: number, now: () => number = Date.now) {
  const one = {
    asked: 0,
    isDown: false,
    getToken: () => {
      one.asked += 1;
      if (one.isDown) return Promise.reject(new Error("the issuer is away"));
      const expiresOnTimestamp = now() + seconds * 1_000;
      return Promise.resolve({ token: jwt(expiresOnTimestamp), expiresOnTimestamp });
    },
  };
  return one;
}

/** Real time that can be moved on. */
function movable(): Clock & { moveOn(ms: number): void } {
  let offset = 0;
  return {
    now: () => systemClock.now() + offset,
    wallNow: () => systemClock.wallNow() + offset,
    after: (ms, fire) => systemClock.after(ms, fire),
    moveOn: (ms) => {
      offset += ms;
    },
  };
}

/** A credential has no emulator flag; this host carries it. */
const hostOf = (bus: ServiceBusSimulator): string => `${bus.host};UseDevelopmentEmulator=true;X=/`;

function client(
  bus: ServiceBusSimulator,
  credential: { getToken: () => Promise<unknown> },
  resilience: ResilienceOptions = {},
): ServiceBusClient {
  const made = new ServiceBusClient(hostOf(bus), credential as never, { resilience });
  open.push(() => made.close());
  return made;
}

const connectionsOf = (entries: readonly { readonly connection: number }[]): number[] => [
  ...new Set(entries.map(({ connection }) => connection)),
];

describe("tokens", () => {
  it("are asked for once by all links of a client", async () => {
    const bus = await namespace({ queues: ["a", "b", "c"] });
    const credential = issuer(3_600);
    const ours = client(bus, credential);
    await Promise.all(["a", "b", "c"].map((queue) => ours.createSender(queue).sendMessages({ body: 1 })));
    expect([bus.journal.tokens().length, credential.asked]).toEqual([3, 1]);
  });

  it("come although the issuer fails at first, with no send lost", async () => {
    const bus = await namespace();
    const credential = issuer(3_600);
    credential.isDown = true;
    const events: HoldfastEvent[] = [];
    const sending = client(bus, credential, { onEvent: (event) => events.push(event) })
      .createSender("orders")
      .sendMessages({ body: 1 });
    await expect.poll(() => credential.asked).toBeGreaterThanOrEqual(7);
    credential.isDown = false;
    await sending;
    expect(bus.journal.stored("orders")).toHaveLength(1);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "retry", operation: "serviceBus.getToken" }),
    );
  });

  it("fail a send at once, with the credential's own error, when the issuer refuses for good", async () => {
    const bus = await namespace();
    const refused = new Error("AADSTS7000215: Invalid client secret provided.");
    const sender = client(bus, { getToken: () => Promise.reject(refused) }).createSender("orders");
    await expect(sender.sendMessages({ body: 1 })).rejects.toBe(refused);
    expect(failureOf(refused)).toMatchObject({ kind: "auth", id: "issuer-refused" });
  });
});

// azure-sdk-for-js#38467. The official client renews two minutes before the end that it is told.
describe("a renewal that fails", () => {
  it("bare: is the last one; the token ends on a link that goes on", async () => {
    const bus = await namespace();
    const credential = issuer(121);
    const bare = new official.ServiceBusClient(hostOf(bus), credential);
    open.push(() => bare.close());
    await bare.createSender("orders").sendMessages({ body: 1 });
    credential.isDown = true;
    await expect.poll(() => credential.asked).toBe(2);
    credential.isDown = false;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect([credential.asked, bus.journal.tokens().length]).toEqual([2, 1]);
  });

  it("ours: is repeated, and the connection makes room for one with the new token while sends go on", async () => {
    const bus = await namespace();
    const clock = movable();
    const credential = issuer(3_600, clock.wallNow);
    const events: string[] = [];
    const onEvent = ({ type }: HoldfastEvent): unknown => events.push(type);
    const sender = client(bus, credential, { clock, onEvent }).createSender("orders");
    await sender.sendMessages({ body: "before" });
    credential.isDown = true;
    // In the last tenth of the token's life, before the official client would renew it.
    clock.moveOn(3_270_000);
    for (let n = 0; n < 10; n += 1) await sender.sendMessages({ body: n });
    expect(connectionsOf(bus.journal.attempts("orders"))).toHaveLength(1);
    await expect.poll(() => events).toContain("give-up");
    credential.isDown = false;
    clock.moveOn(60_000);
    await expect
      .poll(async () => {
        await sender.sendMessages({ body: "after" });
        return connectionsOf(bus.journal.attempts("orders")).length;
      })
      .toBe(2);
    const [first, second] = bus.journal.tokens();
    expect(second!.connection).not.toBe(first!.connection);
    expect(bus.journal.refusals()).toEqual([]);
    expect(bus.journal.stored("orders")).toHaveLength(bus.journal.attempts("orders").length);
  });

  it("ours: sends nothing with a token that has ended; it waits for the issuer instead", async () => {
    const bus = await namespace();
    const clock = movable();
    const credential = issuer(3_600, clock.wallNow);
    const sender = client(bus, credential, { clock }).createSender("orders");
    await sender.sendMessages({ body: "before" });
    const [first] = connectionsOf(bus.journal.attempts("orders"));
    credential.isDown = true;
    clock.moveOn(3_601_000);
    const sending = sender.sendMessages({ body: "after" });
    const asked = credential.asked;
    await expect.poll(() => credential.asked).toBeGreaterThan(asked + 3);
    expect(bus.journal.attempts("orders")).toHaveLength(1);
    credential.isDown = false;
    await sending;
    const [, last] = bus.journal.attempts("orders");
    expect(last!.connection).not.toBe(first);
    expect(bus.journal.stored("orders")).toHaveLength(2);
  });

  it("ours: a connection with a key is renewed too, before the official client's 45 minutes", async () => {
    const bus = await namespace();
    const clock = movable();
    const events: HoldfastEvent[] = [];
    const made = new ServiceBusClient(bus.connectionString, {
      resilience: { clock, onEvent: (event) => events.push(event) },
    });
    open.push(() => made.close());
    const sender = made.createSender("orders");
    await sender.sendMessages({ body: 1 });
    clock.moveOn(2_640_000);
    await sender.sendMessages({ body: 2 });
    await expect
      .poll(async () => {
        await sender.sendMessages({ body: 3 });
        return connectionsOf(bus.journal.attempts("orders")).length;
      })
      .toBe(2);
    expect(bus.journal.stored("orders")).toHaveLength(bus.journal.attempts("orders").length);
    // What moved had not been sent: the old connection was kept for those who were about to use it.
    const faults = events.flatMap((event) => (event.type === "retry" ? [event.fault.id] : []));
    expect(faults.filter((id) => id !== "link-closed")).toEqual([]);
  });
});

describe("administration", () => {
  it("takes its tokens from one source too: repeated, and asked for once by all requests", async () => {
    const credential = issuer(3_600);
    credential.isDown = true;
    const refusals: HoldfastEvent[] = [];
    const onEvent = (event: HoldfastEvent): void => {
      if (event.type === "retry" && event.operation === "serviceBus.administration") refusals.push(event);
    };
    // Nobody listens there: each request needs its token first, and is refused.
    const admin = new ServiceBusAdministrationClient("127.0.0.1:1", credential, { resilience: { onEvent } });
    const abort = new AbortController();
    const asking = ["a", "b", "c"].map((queue) => admin.getQueue(queue, { abortSignal: abort.signal }));
    const over = Promise.allSettled(asking);
    await expect.poll(() => credential.asked).toBeGreaterThanOrEqual(2);
    expect(refusals).toEqual([]);
    credential.isDown = false;
    const { asked } = credential;
    await expect.poll(() => refusals.length).toBeGreaterThanOrEqual(6);
    expect(credential.asked).toBe(asked + 1);
    abort.abort();
    await over;
  });
});

describe("a receiver", () => {
  it("whose token ended at the service comes back with a new one", async () => {
    const bus = await namespace();
    const ours = client(bus, issuer(4));
    const received: unknown[] = [];
    const subscription = ours.createReceiver("orders").subscribe({
      processMessage: ({ body }) => Promise.resolve(void received.push(body)),
      processError: () => Promise.resolve(),
    });
    const sender = ours.createSender("orders");
    await sender.sendMessages({ body: "before" });
    await expect.poll(() => received).toEqual(["before"]);
    // The service takes the link away when the token on it ends.
    await expect.poll(() => bus.journal.detaches("orders").length).toBeGreaterThan(0);
    await sender.sendMessages({ body: "after" });
    await expect.poll(() => received).toEqual(["before", "after"]);
    await subscription.close();
  });
});

describe("updateCredential()", () => {
  const keys = ["old", "new"].map((name) => ({
    ...{ name, key: Buffer.from(`key ${name}`).toString("base64"), claims: ["Send", "Listen"] as const },
  }));
  const withKey = (bus: ServiceBusSimulator, name: string): string =>
    `${bus.connectionStringFor(name)};UseDevelopmentEmulator=true`;

  it("changes the key of a client that works, and no message is lost", async () => {
    const bus = await namespace({ keys });
    const made = new ServiceBusClient(withKey(bus, "old"));
    open.push(() => made.close());
    const sender = made.createSender("orders");
    await sender.sendMessages({ body: "before" });
    const during = Promise.all(Array.from({ length: 200 }, (_, n) => sender.sendMessages({ body: n })));
    made.updateCredential(withKey(bus, "new"));
    await during;
    await sender.sendMessages({ body: "after" });
    expect(bus.journal.tokens().map(({ keyName }) => keyName)).toEqual(["old", "new"]);
    expect(bus.journal.stored("orders")).toHaveLength(202);
    await expect
      .poll(() => bus.journal.connections().filter(({ closedAt }) => closedAt === undefined).length)
      .toBe(1);
  });

  it("leaves no timer behind when the client is closed at once", async () => {
    const bus = await namespace({ keys });
    const timers = new Set<object>();
    const clock: Clock = {
      ...systemClock,
      after: (ms, fire) => {
        const timer = {};
        timers.add(timer);
        const stop = systemClock.after(ms, () => {
          timers.delete(timer);
          fire();
        });
        return () => {
          timers.delete(timer);
          stop();
        };
      },
    };
    const made = new ServiceBusClient(withKey(bus, "old"), { resilience: { clock } });
    await made.createSender("orders").sendMessages({ body: 1 });
    made.updateCredential(withKey(bus, "new"));
    await made.close();
    expect(timers.size).toBe(0);
  });

  it("reaches receivers when the service takes their links away", async () => {
    const bus = await namespace({ keys });
    const made = new ServiceBusClient(withKey(bus, "old"));
    open.push(() => made.close());
    const received: unknown[] = [];
    const subscription = made.createReceiver("orders").subscribe({
      processMessage: ({ body }) => Promise.resolve(void received.push(body)),
      processError: () => Promise.resolve(),
    });
    const sender = made.createSender("orders");
    await sender.sendMessages({ body: 1 });
    await expect.poll(() => received).toEqual([1]);
    made.updateCredential(withKey(bus, "new"));
    bus.detachLinks("orders");
    await sender.sendMessages({ body: 2 });
    await expect.poll(() => received).toEqual([1, 2]);
    const names = bus.journal.tokens().map(({ keyName }) => keyName);
    expect(names.slice(0, 2)).toEqual(["old", "old"]);
    expect(new Set(names.slice(2))).toEqual(new Set(["new"]));
    await subscription.close();
  });

  it("leaves a session that is held the means to be renewed", async () => {
    const bus = await namespace({ queues: [{ name: "orders", requiresSession: true }] });
    const [former, next] = [issuer(3_600), issuer(3_600)];
    const made = client(bus, former);
    await made.createSender("orders").sendMessages({ body: 1, sessionId: "a" });
    const session = await made.acceptSession("orders", "a");
    const askedBefore = former.asked;
    made.updateCredential(next);
    await session.renewSessionLock();
    expect(session.isClosed).toBe(false);
    expect(next.asked).toBe(1);
    expect(former.asked).toBe(askedBefore);
  });

  it("goes over to a named key and back to a connection string", async () => {
    const bus = await namespace({ keys, tls: true, webSocket: true });
    const { endpoint, ca } = bus.webSocket!.secure!;
    const made = new ServiceBusClient(bus.connectionStringFor("old"), {
      transport: "websockets",
      customEndpointAddress: endpoint,
      webSocketOptions: { webSocketConstructorOptions: { ca } },
    });
    open.push(() => made.close());
    const sender = made.createSender("orders");
    await sender.sendMessages({ body: 1 });
    made.updateCredential({ name: "new", key: keys[1]!.key });
    await sender.sendMessages({ body: 2 });
    made.updateCredential(bus.connectionStringFor("old"));
    await sender.sendMessages({ body: 3 });
    expect(bus.journal.tokens().map(({ keyName }) => keyName)).toEqual(["old", "new", "old"]);
    expect(() => {
      made.updateCredential(42 as never);
    }).toThrow(/updateCredential must be a connection string/);
  });

  it("refuses a connection string of another namespace, and shows no key", async () => {
    const bus = await namespace({ keys });
    const made = new ServiceBusClient(withKey(bus, "old"));
    open.push(() => made.close());
    const other =
      "Endpoint=sb://other.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0";
    expect(() => made.updateCredential(other)).toThrow(
      /is of other\.servicebus\.windows\.net, the client of 127/,
    );
    expect(() => made.updateCredential(other)).not.toThrow(/c2VjcmV0/);
  });
});
