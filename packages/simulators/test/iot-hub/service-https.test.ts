import { expect, it } from "vitest";
import { refuse, throttled } from "@holdfast/simulators/iot-hub";
import { deviceClient, outcome, until } from "./support/device.ts";
import { scope } from "./support/scope.ts";
import { registryClient, serviceClient } from "./support/service.ts";

const opened = scope();

it("creates, reads, updates, lists and deletes devices and modules", async () => {
  const hub = await opened.hub();
  const registry = registryClient(hub);
  const created = (await registry.create({ deviceId: "d2", status: "enabled" })).responseBody;
  expect(created.authentication?.symmetricKey?.primaryKey).toMatch(/=$/);
  expect(await outcome(registry.create({ deviceId: "d2" }))).toMatchObject({
    name: "DeviceAlreadyExistsError",
  });
  await registry.update({ deviceId: "d2", status: "disabled", statusReason: "stolen" });
  expect((await registry.get("d2")).responseBody).toMatchObject({
    status: "disabled",
    statusReason: "stolen",
    connectionState: "Disconnected",
  });
  expect((await registry.list()).responseBody.map(({ deviceId }) => deviceId)).toEqual(["d1", "d2"]);
  await registry.addModule({ deviceId: "d2", moduleId: "camera" });
  expect((await registry.getModulesOnDevice("d2")).responseBody).toMatchObject([{ moduleId: "camera" }]);
  await registry.delete("d2");
  expect(await outcome(registry.get("d2"))).toMatchObject({ name: "DeviceNotFoundError" });
  expect(hub.journal.requests("d2").map(({ status }) => status)).toEqual([200, 409, 200, 200, 200, 204, 404]);
});

it("creates, updates and removes many devices at once, each on its own", async () => {
  const hub = await opened.hub();
  const registry = registryClient(hub);
  await registry.addDevices([{ deviceId: "d2" }, { deviceId: "d3" }] as never);
  const again = await outcome(registry.addDevices([{ deviceId: "d3" }, { deviceId: "d4" }] as never));
  expect(again).toMatchObject({ responseBody: expect.stringContaining("DeviceAlreadyExists") });
  await registry.updateDevices([{ deviceId: "d2", status: "disabled" }] as never, true);
  await registry.removeDevices([{ deviceId: "d3" }] as never, true);
  const left = (await registry.list()).responseBody.map(({ deviceId, status }) => [deviceId, status]);
  expect(left).toEqual([
    ["d1", "enabled"],
    ["d2", "disabled"],
    ["d4", "enabled"],
  ]);
});

it("IOT-06 tells its own time in every answer", async () => {
  const now = Date.now() + 600_000;
  const clock = {
    now: () => performance.now(),
    wallNow: () => now,
    after(ms: number, fire: () => void) {
      const timer = setTimeout(fire, ms);
      return () => {
        clearTimeout(timer);
      };
    },
  };
  const hub = await opened.hub({ clock });
  const { httpResponse } = await registryClient(hub).get("d1");
  const { headers } = httpResponse as unknown as { headers: { date: string } };
  expect(Math.abs(Date.parse(headers.date) - now)).toBeLessThan(1_500);
});

it("lets only a policy with the right in", async () => {
  const hub = await opened.hub();
  expect(await outcome(registryClient(hub, "device").get("d1"))).toMatchObject({ name: "UnauthorizedError" });
  expect(await outcome(registryClient(hub, "registryRead").get("d1"))).not.toBeInstanceOf(Error);
  expect(await outcome(registryClient(hub, "registryRead").delete("d1"))).toMatchObject({
    name: "UnauthorizedError",
  });
});

it("merges twin patches, removes with null, and holds an update to its etag", async () => {
  const hub = await opened.hub();
  const registry = registryClient(hub);
  const twin = (await registry.getTwin("d1")).responseBody;
  await twin.update({
    tags: { room: "b4", floor: 2 },
    properties: { desired: { interval: 5, mode: { a: 1 } } },
  });
  await twin.update({ tags: { floor: null }, properties: { desired: { mode: { a: null, b: 2 } } } });
  const now = (await registry.getTwin("d1")).responseBody;
  expect(now.tags).toEqual({ room: "b4" });
  expect(now.properties.desired).toMatchObject({ interval: 5, mode: { b: 2 }, $version: 3 });
  expect(await outcome(registry.updateTwin("d1", { tags: { room: "c1" } }, "stale"))).toMatchObject({
    name: "InvalidEtagError",
  });
  await registry.updateTwin("d1", { tags: { room: "c1" } }, "*");
  expect((await registry.getTwin("d1")).responseBody.tags).toEqual({ room: "c1" });
});

it("brings a change of desired properties by a service to the device", async () => {
  const hub = await opened.hub();
  const client = await deviceClient(hub, "d1");
  opened.add(client);
  await client.open();
  const twin = await client.getTwin();
  const changed = new Promise((resolve) => {
    twin.on("properties.desired.interval", resolve);
  });
  await until(() => hub.device("d1").takesDesired);
  await registryClient(hub).updateTwin("d1", { properties: { desired: { interval: 30 } } }, "*");
  expect(await changed).toBe(30);
});

it("calls a method for a service, and says 404103, 504101 and 404001 as the service does", async () => {
  const hub = await opened.hub();
  const service = serviceClient(hub);
  const call = {
    methodName: "reboot",
    payload: { now: true },
    responseTimeoutInSeconds: 1,
    connectTimeoutInSeconds: 0,
  };
  expect(await outcome(service.invokeDeviceMethod("d1", { ...call }))).toMatchObject({
    message: "Not found",
    responseBody: expect.stringContaining('\\"errorCode\\":404103'),
  });
  expect(await outcome(service.invokeDeviceMethod("d9", { ...call }))).toMatchObject({
    name: "DeviceNotFoundError",
  });
  const client = await deviceClient(hub, "d1");
  opened.add(client);
  client.onDeviceMethod("hang", () => undefined);
  client.onDeviceMethod("reboot", (request, response) => {
    response.send(200, request.payload, () => undefined);
  });
  await client.open();
  await until(() => hub.device("d1").takesMethods);
  const { result } = await service.invokeDeviceMethod("d1", { ...call });
  expect(result).toEqual({ status: 200, payload: { now: true } });
  expect(await outcome(service.invokeDeviceMethod("d1", { ...call, methodName: "hang" }))).toMatchObject({
    responseBody: expect.stringContaining('\\"errorCode\\":504101'),
  });
});

it("refuses a service's request as the script says, with the hub's error and Retry-After", async () => {
  const hub = await opened.hub();
  const registry = registryClient(hub);
  hub.faults.next("service", throttled({ retryAfterSeconds: 7 }));
  const error = await outcome(registry.get("d1"));
  expect(error).toMatchObject({ name: "ThrottlingError" });
  expect(
    (error as unknown as { response: { headers: Record<string, string> } }).response.headers["retry-after"],
  ).toBe("7");
  hub.faults.next("service", refuse("unavailable"));
  expect(await outcome(registry.get("d1"))).toMatchObject({ name: "ServiceUnavailableError" });
  expect(hub.journal.refusals("d1").map(({ name }) => name)).toEqual([
    "ThrottlingException",
    "ServiceUnavailable",
  ]);
});
