import { expect, it } from "vitest";
import { Message, type Client } from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { Mqtt } from "azure-iot-device-mqtt";
import {
  acceptThenClose,
  blackHole,
  delayAcknowledgement,
  dropConnection,
  duplicate,
  forceConnectionClose,
  forceDetach,
  forgetSession,
  halfOpen,
  ignore,
  loseAcknowledgement,
  malformed,
  refuse,
  refuseConnection,
  resetConnection,
  throttled,
  type IotHubSimulator,
} from "@holdfast/simulators/iot-hub";
import { deviceClient, nextMessage, outcome, until } from "./support/device.ts";
import { scope } from "./support/scope.ts";

const opened = scope();

async function connected(hub: IotHubSimulator, transport: unknown = Mqtt): Promise<Client> {
  const client = opened.add(await deviceClient(hub, "d1", transport));
  await client.open();
  return client;
}

/** Whether a promise is still pending after a while. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  const wait = new Promise((resolve) => setTimeout(resolve, 150, pending));
  return (await Promise.race([promise.catch(() => undefined), wait])) === pending;
}

it.each([
  [refuseConnection(3), "ServiceUnavailableError", 3],
  [refuseConnection(4), "UnauthorizedError", 4],
  [refuseConnection(5), "UnauthorizedError", 5],
  [throttled(), "ServiceUnavailableError", 3],
] as const)("refuses a CONNECT: %o gives %s", async (fault, name, returnCode) => {
  const hub = await opened.hub();
  hub.faults.next("connack", fault);
  const client = opened.add(await deviceClient(hub, "d1"));
  expect(await outcome(client.open())).toMatchObject({ name });
  expect(hub.journal.connections("d1")).toMatchObject([{ returnCode }]);
  expect(hub.journal.faults()).toMatchObject([{ step: "connack", device: "d1" }]);
});

it("never answers a CONNECT, or answers late", async () => {
  const hub = await opened.hub();
  hub.faults.next("connack", ignore());
  hub.faults.next("connack", delayAcknowledgement(100));
  const stuck = opened.add(await deviceClient(hub, "d1"));
  expect(await isPending(stuck.open())).toBe(true);
  const begun = performance.now();
  await connected(hub);
  expect(performance.now() - begun).toBeGreaterThan(95);
});

it.each([
  ["a reset", resetConnection()],
  ["an end", acceptThenClose()],
] as const)("meets a connection attempt with %s", async (_what, fault) => {
  const hub = await opened.hub();
  hub.faults.next("connect", fault);
  const client = opened.add(await deviceClient(hub, "d1"));
  expect(await outcome(client.open())).toBeInstanceOf(Error);
  expect(hub.journal.connections()).toHaveLength(0);
});

it("accepts a connection and says nothing, or falls silent once it is open", async () => {
  const hub = await opened.hub();
  hub.faults.next("connect", blackHole());
  const stuck = opened.add(await deviceClient(hub, "d1"));
  expect(await isPending(stuck.open())).toBe(true);
  hub.faults.next("connect", halfOpen(50));
  const client = await connected(hub);
  await until(() => hub.journal.faults().length === 2);
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect(await isPending(client.sendEvent(new Message("into the void")))).toBe(true);
  expect(hub.journal.attempts("d1")).toHaveLength(0);
});

it("forgets a session, so that a device is back without its subscriptions", async () => {
  const hub = await opened.hub();
  const first = await connected(hub);
  first.on("message", () => undefined);
  await until(() => hub.journal.subscriptions("d1").length === 1);
  await first.close();
  hub.faults.next("connack", forgetSession());
  await connected(hub);
  expect(hub.journal.connections("d1").at(-1)?.sessionPresent).toBe(false);
  hub.device("d1").send({ body: "lost on you" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(hub.journal.delivered("d1")).toHaveLength(0);
});

it("leaves a SUBSCRIBE unanswered, and refuses one", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  hub.faults.next("subscribe", ignore());
  client.on("message", () => undefined);
  await until(() => hub.journal.subscriptions("d1").length === 1);
  expect(hub.journal.subscriptions("d1")).toMatchObject([{ outcome: "unanswered" }]);
  const other = await connected(hub);
  hub.faults.next("subscribe", refuse("unauthorized"));
  other.onDeviceMethod("m", () => undefined);
  await until(() => hub.journal.subscriptions("d1").length === 2);
  expect(hub.device("d1").takesMethods).toBe(false);
});

it("takes a message and loses the PUBACK; takes none; answers late", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  hub.faults.next("send", loseAcknowledgement());
  hub.faults.next("send", ignore());
  hub.faults.next("send", delayAcknowledgement(100));
  expect(await isPending(client.sendEvent(new Message("stored")))).toBe(true);
  expect(await isPending(client.sendEvent(new Message("lost")))).toBe(true);
  await client.sendEvent(new Message("late"));
  expect(hub.journal.telemetry("d1").map(({ body }) => body.toString())).toEqual(["stored", "late"]);
  const [stored, lost, late] = hub.journal.attempts("d1");
  expect([stored, lost, late].map((attempt) => attempt?.outcome)).toEqual([
    "unanswered",
    "unanswered",
    "accepted",
  ]);
  expect(hub.journal.accepted("d1")[0]!.at - late!.at).toBeGreaterThan(95);
});

it.each(["reset", "fin"] as const)("drops the connection with a %s after it took a message", async (how) => {
  const hub = await opened.hub();
  const client = await connected(hub);
  hub.faults.next("send", dropConnection({ stored: true, how }));
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({ name: "NotConnectedError" });
  expect(hub.journal.telemetry("d1")).toHaveLength(1);
  expect(hub.journal.accepted("d1")).toHaveLength(0);
});

it("IOT-26 ends an MQTT connection that is throttled, and logs 429001", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  hub.faults.next("send", throttled());
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({ name: "NotConnectedError" });
  expect(hub.journal.connections("d1")[0]?.closedBecause).toBe("ThrottlingException");
  expect(hub.journal.log("d1").map(({ resultType }) => resultType)).toContain("429001");
});

it("does not answer a PINGREQ, and closes a connection that is silent for one and a half keep-alives", async () => {
  const hub = await opened.hub();
  hub.faults.always("ping", ignore());
  const client = opened.add(await deviceClient(hub, "d1", Mqtt, { keepalive: 1 }));
  await client.open();
  await until(() => hub.journal.faults().length > 0, "a PINGREQ");
  expect(hub.journal.connections("d1")).toMatchObject([{ keepAliveSeconds: 1 }]);
  // The client gives up first; a frozen one is given up by the hub.
  const frozen = opened.add(await deviceClient(hub, "d1", Mqtt, { keepalive: 1 }));
  await frozen.open();
  hub.freeze();
  const last = hub.journal.connections("d1").length - 1;
  await until(() => hub.journal.connections("d1")[last]?.closedAt !== undefined, "the keep-alive");
  expect(hub.journal.connections("d1")[last]?.closedBecause).toBe("DeviceConnectionClosedRemotely");
});

it.each([
  ["429", throttled(), 429],
  ["500", refuse("serverError"), 500],
] as const)("answers a twin request with %s", async (_name, fault, status) => {
  const hub = await opened.hub();
  const client = await connected(hub);
  hub.faults.next("twin-get", fault);
  expect(await outcome(client.getTwin())).toBeInstanceOf(Error);
  expect(hub.journal.twins("d1")).toMatchObject([{ operation: "get", status }]);
  expect(await outcome(client.getTwin())).not.toBeInstanceOf(Error);
});

it("never answers a twin request, and takes a patch without saying so", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const twin = await client.getTwin();
  hub.faults.next("twin-get", ignore());
  expect(await isPending(client.getTwin())).toBe(true);
  hub.faults.next("twin-update", loseAcknowledgement());
  (twin.properties.reported as unknown as { update(patch: object, done: () => void): void }).update(
    { a: 1 },
    () => undefined,
  );
  await until(() => hub.device("d1").reported["a"] === 1);
  expect(hub.journal.twins("d1").at(-1)).toMatchObject({ operation: "update-reported", status: undefined });
});

it("delivers a message twice, and again after the connection broke before its PUBACK", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const bodies: string[] = [];
  client.on("message", (message) => bodies.push(message.getBytes().toString()));
  await until(() => hub.journal.subscriptions("d1").length === 1);
  hub.faults.next("deliver", duplicate(3));
  hub.device("d1").send({ body: "thrice" });
  await until(() => bodies.length === 3);
  hub.faults.next("deliver", dropConnection({ stored: true, how: "fin" }));
  hub.device("d1").send({ body: "again" });
  await until(() => hub.journal.settled("d1").some(({ outcome: how }) => how === "connection-lost"));
  const second = opened.add(await deviceClient(hub, "d1"));
  expect((await nextMessage(second)).getBytes().toString()).toBe("again");
  expect(hub.journal.delivered("d1").at(-1)).toMatchObject({ deliveryCount: 2 });
});

it("sends a method call without its request id, twice, or not at all", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  let calls = 0;
  client.onDeviceMethod("m", (_request, response) => {
    calls += 1;
    response.send(200, () => undefined);
  });
  await until(() => hub.device("d1").takesMethods);
  hub.faults.next("method", duplicate());
  await hub.device("d1").invoke("m");
  await until(() => calls === 2);
  hub.faults.next("method", ignore());
  const lost = outcome(hub.device("d1").invoke("m", null, { responseTimeoutMs: 30 }));
  expect(await lost).toMatchObject({ error: { code: 504101 } });
  hub.faults.next("method-response", ignore());
  const unheard = outcome(hub.device("d1").invoke("m", null, { responseTimeoutMs: 30 }));
  expect(await unheard).toMatchObject({ error: { code: 504101 } });
  expect(calls).toBe(3);
});

it("AMQP: refuses a token, a link and a message with the hub's conditions", async () => {
  const hub = await opened.hub();
  hub.faults.next("cbs", refuse("serverError"));
  const first = opened.add(await deviceClient(hub, "d1", Amqp));
  expect(await outcome(first.open())).toMatchObject({ name: "UnauthorizedError" });
  const second = await connected(hub, Amqp);
  hub.faults.next("attach", refuse("unavailable"));
  expect(await outcome(second.sendEvent(new Message("x")))).toMatchObject({
    name: "ServiceUnavailableError",
  });
  // After a refused link the official client attaches on the session that it has just ended; hence a new one.
  const client = await connected(hub, Amqp);
  hub.faults.next("send", throttled());
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({ name: "ThrottlingError" });
  hub.faults.next("send", refuse("internalError"));
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({ name: "InternalServerError" });
  expect(hub.journal.refusals().map(({ step }) => step)).toEqual(["cbs", "attach", "send", "send"]);
});

it("AMQP: detaches a link, and closes a connection, in the middle of a send", async () => {
  const hub = await opened.hub();
  const client = await connected(hub, Amqp);
  hub.faults.next("send", forceDetach({ stored: true }));
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({
    name: "ServiceUnavailableError",
  });
  hub.faults.next("send", forceConnectionClose());
  expect(await outcome(client.sendEvent(new Message("y")))).toBeInstanceOf(Error);
  expect(hub.journal.telemetry("d1").map(({ body }) => body.toString())).toEqual(["x"]);
  await until(() => hub.journal.connections("d1")[0]?.closedAt !== undefined);
});

it("AMQP: answers twin requests with a status, garbage or never", async () => {
  const hub = await opened.hub();
  const client = await connected(hub, Amqp);
  hub.faults.next("twin-get", throttled());
  expect(await outcome(client.getTwin())).toBeInstanceOf(Error);
  hub.faults.next("twin-get", ignore());
  expect(await isPending(client.getTwin())).toBe(true);
  expect(hub.journal.twins("d1").map(({ status }) => status)).toEqual([429, undefined]);
});

it("rejects a fault that cannot happen at a step", async () => {
  const hub = await opened.hub();
  expect(() => hub.faults.next("ping", malformed() as never)).toThrow(/cannot happen at step "ping"/);
  expect(() => refuse("nonsense" as never)).toThrow(/must be one of/);
  expect(() => refuseConnection(9 as never)).toThrow(/between 1 and 5/);
});
