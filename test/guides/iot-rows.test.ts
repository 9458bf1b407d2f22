import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import iot from "azure-iot-device";
import { expect, it } from "vitest";
import { ignore, malformed } from "@holdfast/simulators/iot-hub";
import { timed } from "../own-time/own-time.ts";
import { bodies, connects, twoDevices, until, wait } from "./iot-scene.ts";

// Rows of the documented ledger that no other guide shows.

const { Message } = iot;

it("IOT-07 renews its token ten times while it sends: none refused, none lost, none twice", async () => {
  await using it = await twoDevices({ renewalJitter: 0 }, { acknowledgementDelayMs: 20 });
  const { hub, client } = it;
  await client.setOptions({
    tokenRenewal: { tokenValidTimeInSeconds: 10, tokenRenewalMarginInSeconds: 9.5 },
  });
  await client.open();
  let sent = 0;
  while (connects(hub, "ours") <= 10) {
    await Promise.all(Array.from({ length: 10 }, () => client.sendEvent(new Message(String((sent += 1))))));
  }
  expect(hub.journal.refusals()).toEqual([]);
  expect(bodies(hub, "ours").toSorted()).toEqual(
    Array.from({ length: sent }, (_, index) => String(index + 1)).toSorted(),
  );
});

it("IOT-08 a hub that closes the connection at the token's end is connected to within 2 s, with a new token", async () => {
  await using it = await twoDevices();
  const { hub, client } = it;
  await client.open();
  await wait(1_100); // Tokens end at whole seconds.
  hub.device("ours").expireToken();
  expect((await timed(until(() => connects(hub, "ours") === 2))).ownMs).toBeLessThan(2_000);
  const [first, second] = hub.journal.connections("ours");
  expect(second!.tokenExpiresAt).toBeGreaterThan(first!.tokenExpiresAt!);
});

it("IOT-22 pings as often as it was told to", async () => {
  await using it = await twoDevices({ keepAliveSeconds: 1 });
  const { hub, client } = it;
  await client.open();
  expect(hub.journal.connections("ours")[0]?.keepAliveSeconds).toBe(1);
  // Two pings in a row without an answer are a dead connection.
  hub.faults.next("ping", ignore(), { times: 2 });
  await until(() => connects(hub, "ours") === 2);
});

it("IOT-37 follows a hub that is down and comes back, however often", async () => {
  await using it = await twoDevices();
  const { hub, client } = it;
  await client.open();
  for (const downMs of [0, 300, 600]) {
    await hub.restart({ downMs });
    await client.sendEvent(new Message(String(downMs)));
  }
  expect(bodies(hub, "ours")).toEqual(["0", "300", "600"]);
});

it.each([
  ["empty", 200],
  ["garbage", 200],
  ["garbage", 500],
  ["empty", 429],
  ["topic", 200],
] as const)("a twin answer that is %s (%i) ends nothing, and is asked for again", async (what, status) => {
  const { backoff, iotPolicies } = await import("@holdfast/iot-device");
  const throttledBackoff = backoff.equal({ baseMs: 100, capMs: 100 });
  const policies = iotPolicies({ "iot.twin": { attemptTimeoutMs: 1_000, throttledBackoff } });
  await using it = await twoDevices({ policies });
  it.hub.faults.next("twin-get", malformed(what, { status }), { times: 2 });
  await it.client.open();
  const twin = await it.client.getTwin();
  expect(twin.properties.desired).toMatchObject({ $version: 1 });
});

it("a change of the twin that is garbage is told, and what it was is read", async () => {
  await using it = await twoDevices();
  const { hub, client, events } = it;
  await client.open();
  const twin = await client.getTwin();
  const desired: unknown[] = [];
  twin.on("properties.desired", (patch) => desired.push(patch));
  await until(() => hub.device("ours").takesDesired);
  hub.faults.next("desired", malformed("garbage"));
  hub.device("ours").updateDesired({ colour: "red" });
  await until(() => JSON.stringify(desired).includes("red"));
  expect(events.some(({ type }) => type === "handler-failed")).toBe(true);
});

it("a process ends by itself after close(), although the hub says nothing any more", async () => {
  await using it = await twoDevices();
  const child = fork(fileURLToPath(new URL("iot-ending-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx", "--conditions=source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let tookMs = Infinity;
  child.on("message", (said: "ready" | number) => {
    if (said === "ready") {
      it.hub.freeze();
      child.send("close");
    } else tookMs = said;
  });
  child.send({ connectionString: it.hub.deviceConnectionString("ours"), ca: it.hub.ca });
  expect(await ended).toBe(0);
  expect(tookMs).toBeLessThan(2_000);
});
