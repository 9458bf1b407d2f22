import iot from "azure-iot-device";
import { expect, it } from "vitest";
import { failureOf } from "@holdfast/iot-device";
import { ignore, refuse } from "@holdfast/simulators/iot-hub";
import { timed } from "../own-time/own-time.ts";
import { bodies, connects, twoDevices, until, wait } from "./iot-scene.ts";

// The defects that were measured on azure-iot-device 1.18.4, each on the official client in a process of its own, beside ours.
// They wait more than they work, each with a hub of its own.

const { Message } = iot;
const methodsWork = { status: 200 };

it.concurrent(
  "1: the first connection fails. bare: rejects as Unauthorized, ours: connects when it can",
  async () => {
    await using it = await twoDevices();
    await it.hub.stop();
    const opened = it.client.open();
    const bare = it.bare("open");
    await until(() => bare.said("open failed"));
    expect(bare.news[0]?.detail).toMatchObject({ name: "UnauthorizedError" });
    await it.hub.start();
    await opened;
  },
);

it.concurrent(
  "2: the socket is reset. bare: methods and messages stay dead, ours: both are back",
  async () => {
    await using it = await twoDevices();
    const { hub, client } = it;
    const bare = it.bare("listen");
    const received: string[] = [];
    client.on("message", (message) => received.push(String(message.data)));
    client.onDeviceMethod("ask", (_request, response) => void response.send(200, {}));
    await client.open();
    await until(
      () => bare.said("ready") && hub.device("bare").takesMethods && hub.device("ours").takesMethods,
    );
    // A subscription that is not answered yet would make the official client connect again: the defect is of an idle one.
    await until(() => hub.journal.subscriptions("bare").length >= 2);
    await wait(1_000);
    hub.dropConnections({ how: "reset" });
    await until(() => connects(hub, "ours") >= 2 && hub.device("ours").takesMethods);
    hub.device("ours").send({ body: "hello" });
    await until(() => received.includes("hello"));
    expect(await hub.device("ours").invoke("ask")).toMatchObject(methodsWork);
    await expect(hub.device("bare").invoke("ask")).rejects.toThrow();
  },
);

it.concurrent(
  "3: a device that only sends loses its socket. bare: stays away, ours: is back without a call",
  async () => {
    await using it = await twoDevices();
    const { hub, client } = it;
    const bare = it.bare("telemetry");
    await client.open();
    await client.sendEvent(new Message("first"));
    await until(() => bare.said("ready"));
    hub.dropConnections({ how: "fin" });
    await until(() => connects(hub, "ours") === 2);
    expect(connects(hub, "bare")).toBe(1);
  },
);

it.concurrent(
  "4: an outage outlasts the time for an operation. bare: gives up for good, ours: is back (scaled)",
  async () => {
    await using it = await twoDevices();
    const { hub, client } = it;
    const bare = it.bare("listen briefly");
    client.on("message", () => undefined);
    await client.open();
    await until(() => bare.said("ready"));
    await hub.refuseConnections();
    hub.dropConnections({ how: "fin" });
    await until(() => bare.said("disconnect"));
    await hub.start();
    await until(() => hub.device("ours").isConnected);
    await wait(1_000);
    expect(hub.device("bare").isConnected).toBe(false);
  },
);

it.concurrent(
  "5: the hub has lost the session. bare: desired properties are gone, ours: subscribed and read again",
  async () => {
    await using it = await twoDevices();
    const { hub, client } = it;
    const bare = it.bare("twin");
    await client.open();
    const twin = await client.getTwin();
    const desired: unknown[] = [];
    twin.on("properties.desired", (patch) => desired.push(patch));
    await until(() => bare.said("ready") && hub.device("ours").takesDesired);
    hub.forgetSessions();
    hub.dropConnections({ how: "fin" });
    // While both are away, and once they are back.
    hub.device("ours").updateDesired({ missed: 1 });
    hub.device("bare").updateDesired({ missed: 1 });
    await until(() => hub.device("ours").takesDesired && JSON.stringify(desired).includes("missed"));
    hub.device("ours").updateDesired({ after: 2 });
    hub.device("bare").updateDesired({ after: 2 });
    await until(() => JSON.stringify(desired).includes("after"));
    expect(JSON.stringify(bare.news)).not.toContain("missed");
    expect(JSON.stringify(bare.news)).not.toContain("after");
  },
);

it.concurrent("6: a twin's answer is lost. bare: pending for ever, ours: asks again", async () => {
  await using it = await twoDevices();
  it.hub.faults.next("twin-get", ignore(), { entity: "bare" });
  it.hub.faults.next("twin-get", ignore(), { entity: "ours" });
  const bare = it.bare("twin once");
  await it.client.open();
  await until(() => bare.said("ready"));
  await it.client.getTwin();
  expect(bare.said("twin ok") || bare.said("twin failed")).toBe(false);
});

it.concurrent(
  "7: the twin is throttled, then a body is empty. bare: rejects, or dies; ours: waits and reads it",
  async () => {
    const { iotPolicies, backoff } = await import("@holdfast/iot-device");
    const policies = iotPolicies({
      "iot.twin": { throttledBackoff: backoff.equal({ baseMs: 400, capMs: 400 }) },
    });
    await using it = await twoDevices({ policies });
    it.hub.faults.next("twin-get", { kind: "malformed", what: "empty", status: 500 }, { entity: "bare" });
    it.hub.faults.next("twin-get", { kind: "malformed", what: "garbage", status: 200 }, { entity: "ours" });
    it.hub.faults.next("twin-get", refuse("throttled"), { entity: "ours" });
    const bare = it.bare("twin once");
    await it.client.open();
    await it.client.getTwin();
    await until(() => bare.exitCode !== undefined || bare.said("twin failed") || bare.said("twin ok"));
    expect(bare.exitCode !== undefined || bare.said("twin failed")).toBe(true);
    expect(it.events).toContainEqual(
      expect.objectContaining({ type: "retry", fault: expect.objectContaining({ kind: "throttled" }) }),
    );
  },
);

it.concurrent("8: a subscription is not answered. bare: close() hangs, ours: ends within 2 s", async () => {
  await using it = await twoDevices();
  it.hub.faults.next("subscribe", ignore(), { times: 10 });
  const bare = it.bare("close");
  await it.client.open();
  it.client.on("message", () => undefined);
  await until(() => it.hub.journal.subscriptions("bare").length > 0);
  expect((await timed(it.client.close())).ownMs).toBeLessThan(2_000);
  await wait(2_500);
  expect(bare.said("close ok") || bare.said("close failed")).toBe(false);
});

it.concurrent("9: sends over an outage. bare: out of order, ours: in order through the outbox", async () => {
  await using it = await twoDevices({ outbox: {} });
  const { hub, client } = it;
  const bare = it.bare("order");
  await client.open();
  await until(() => bare.said("ready"));
  hub.dropConnections({ how: "fin" });
  await hub.stop();
  const sends = Array.from({ length: 50 }, (_, index) => client.sendEvent(new Message(String(index))));
  await until(() => bare.said("sending"));
  // Long enough for the official client's sends to be on their second retry, which has jitter.
  await wait(1_500);
  await hub.start();
  await Promise.all(sends);
  await until(() => bare.said("sends ok"));
  const expected = Array.from({ length: 50 }, (_, index) => String(index));
  expect([...new Set(bodies(hub, "ours"))]).toEqual(expected);
  expect(inversions(bodies(hub, "bare"))).toBeGreaterThan(0);
});

it.concurrent(
  "10: properties are too long for a topic. bare: poisons the connection, ours: refuses it and goes on",
  async () => {
    await using it = await twoDevices();
    const bare = it.bare("long properties");
    await it.client.open();
    const long = new Message("long");
    long.properties.add("p", "x".repeat(70_000));
    await expect(it.client.sendEvent(long)).rejects.toMatchObject({ code: "invalid-message" });
    await it.client.sendEvent(new Message("good"));
    await until(() => bare.said("long failed"));
    await wait(1_000);
    expect(bare.said("good ok")).toBe(false);
    expect(bodies(it.hub, "ours")).toEqual(["good"]);
  },
);

it.concurrent(
  "11: 300 KB in 100 000 characters. bare: sends it and loses the connection, ours: refuses it",
  async () => {
    await using it = await twoDevices();
    it.bare("too large");
    await it.client.open();
    await expect(it.client.sendEvent(new Message("€".repeat(100_000)))).rejects.toMatchObject({
      name: "MessageTooLargeError",
    });
    await until(() => it.hub.journal.connections("bare").some(({ closedAt }) => closedAt !== undefined));
    expect(connects(it.hub, "ours")).toBe(1);
    expect(it.hub.device("ours").isConnected).toBe(true);
  },
);

it.concurrent(
  "12: a method's handler rejects. bare: the process ends, ours: answers 500, and 501 to a method that is not there",
  async () => {
    await using it = await twoDevices();
    const { hub, client } = it;
    const bare = it.bare("method that throws");
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- what applications write
    client.onDeviceMethod("ask", async () => {
      await wait(1);
      throw new Error("The application's own.");
    });
    await client.open();
    await until(() => hub.device("bare").takesMethods && hub.device("ours").takesMethods);
    hub
      .device("bare")
      .invoke("ask")
      .catch(() => undefined);
    expect(await hub.device("ours").invoke("ask")).toMatchObject({ status: 500 });
    expect(await hub.device("ours").invoke("other")).toMatchObject({ status: 501 });
    await until(() => bare.exitCode !== undefined);
    expect(bare.exitCode).not.toBe(0);
  },
);

it.concurrent(
  "13: a message's handler throws. bare: the process ends, ours: tells, and receives the next",
  async () => {
    await using it = await twoDevices();
    const { hub, client, events } = it;
    const bare = it.bare("message handler that throws");
    const received: string[] = [];
    client.on("message", (message) => {
      received.push(String(message.data));
      throw new Error("The application's own.");
    });
    await client.open();
    await until(() => bare.said("ready"));
    hub.device("bare").send({ body: "one" });
    for (const body of ["one", "two"]) hub.device("ours").send({ body });
    await until(() => received.length === 2 && bare.exitCode !== undefined);
    expect(bare.exitCode).not.toBe(0);
    expect(events.filter(({ type }) => type === "handler-failed")).toHaveLength(2);
  },
);

it.concurrent(
  "14: a signature is renewed and the session is lost. bare: messages and methods are gone, ours: on again",
  async () => {
    await using it = await twoDevices({ renewalJitter: 0 });
    const { hub, client } = it;
    await client.setOptions({
      tokenRenewal: { tokenValidTimeInSeconds: 10, tokenRenewalMarginInSeconds: 8.5 },
    });
    hub.faults.always("connack", { kind: "forget-session" });
    const bare = it.bare("renewal");
    client.on("message", () => undefined);
    client.onDeviceMethod("ask", (_request, response) => void response.send(200, {}));
    await client.open();
    await until(() => bare.said("ready"));
    await until(() => connects(hub, "ours") >= 2 && connects(hub, "bare") >= 2);
    await until(() => hub.device("ours").takesMethods);
    expect(await hub.device("ours").invoke("ask")).toMatchObject(methodsWork);
    expect(hub.device("bare").takesMethods).toBe(false);
  },
);

it.concurrent(
  "15: a send after close(). bare: opens a connection that nobody closes, ours: refuses",
  async () => {
    await using it = await twoDevices();
    const bare = it.bare("send after close");
    await it.client.open();
    await it.client.close();
    const error = await it.client.sendEvent(new Message("late")).then(
      () => undefined,
      (one: unknown) => one,
    );
    expect(error).toMatchObject({ code: "closed" });
    expect(failureOf(error)).toMatchObject({ outcome: "rejected" });
    await until(() => bare.said("send ok"));
    expect(connects(it.hub, "bare")).toBe(2);
    expect(connects(it.hub, "ours")).toBe(1);
  },
);

function inversions(order: readonly string[]): number {
  const seen = [...new Set(order)].map(Number);
  return seen.filter((value, index) => index > 0 && value < (seen[index - 1] ?? 0)).length;
}
