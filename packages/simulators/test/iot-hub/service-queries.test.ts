import { JobClient, type Registry } from "azure-iothub";
import { expect, it } from "vitest";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceClient, outcome, until } from "./support/device.ts";
import { registryClient } from "./support/service.ts";
import { scope } from "./support/scope.ts";

const opened = scope();

async function fleet(): Promise<IotHubSimulator> {
  const hub = await opened.hub({ devices: ["a", "b", "c", { deviceId: "c", moduleId: "cam" }] });
  const registry = registryClient(hub);
  const tags: Record<string, object> = {
    a: { site: "north", floor: 1 },
    b: { site: "north", floor: 2, "odd name": true },
    c: { site: "south" },
  };
  for (const [id, value] of Object.entries(tags)) await registry.updateTwin(id, { tags: value }, "*");
  hub.device("a").updateDesired({ interval: 10 });
  return hub;
}

async function asked(hub: IotHubSimulator, query: string, pageSize?: number): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  const results = registryClient(hub).createQuery(query, pageSize);
  // Its promise form begins anew unless it is given the token that it keeps.
  while (results.hasMoreResults) {
    pages.push((await results.next(results.continuationToken)).result as unknown[]);
  }
  return pages;
}

it.each([
  ["SELECT * FROM devices WHERE tags.site = 'north'", ["a", "b"]],
  ["select deviceId from devices where tags.floor >= 2 or tags.site = 'south'", ["b", "c"]],
  ["SELECT deviceId FROM devices WHERE tags.floor != 1", ["b"]],
  ["SELECT deviceId FROM devices WHERE NOT is_defined(tags.floor)", ["c"]],
  ["SELECT deviceId FROM devices WHERE deviceId IN ['a', 'c']", ["a", "c"]],
  ["SELECT deviceId FROM devices WHERE devices.tags.floor + 1 = 3 AND status = 'enabled'", ["b"]],
  ["SELECT deviceId FROM devices WHERE tags.[[odd name]] = true", ["b"]],
  ["SELECT deviceId FROM devices WHERE STARTSWITH(tags.site, 'so') OR (1 = 2)", ["c"]],
  ["SELECT deviceId FROM devices WHERE properties.desired.interval = 10", ["a"]],
  ["SELECT deviceId FROM devices WHERE connectionState = 'Disconnected' AND deviceId = 'a'", ["a"]],
  ["SELECT TOP 2 deviceId FROM devices", ["a", "b"]],
])("answers %s", async (query, expected) => {
  const hub = await fleet();
  const rows = (await asked(hub, query)).flat() as { deviceId: string }[];
  expect(rows.map(({ deviceId }) => deviceId)).toEqual(expected);
});

it("selects properties, renames, counts and groups", async () => {
  const hub = await fleet();
  expect(await asked(hub, "SELECT deviceId AS id, tags.site FROM devices WHERE deviceId = 'a'")).toEqual([
    [{ id: "a", site: "north" }],
  ]);
  expect(await asked(hub, "SELECT COUNT() AS total, MAX(tags.floor) AS top FROM devices")).toEqual([
    [{ total: 3, top: 2 }],
  ]);
  const grouped = "SELECT tags.site AS site, COUNT() AS devices FROM devices GROUP BY tags.site";
  expect(await asked(hub, grouped)).toEqual([
    [
      { site: "north", devices: 2 },
      { site: "south", devices: 1 },
    ],
  ]);
  expect(await asked(hub, "SELECT * FROM devices.modules")).toMatchObject([
    [{ deviceId: "c", moduleId: "cam" }],
  ]);
});

it("gives results page by page, as twins where whole ones are asked for", async () => {
  const hub = await fleet();
  expect((await asked(hub, "SELECT * FROM devices", 2)).map(({ length }) => length)).toEqual([2, 1]);
  const twins = registryClient(hub).createQuery("SELECT * FROM devices WHERE deviceId = 'a'");
  const [twin] = (await twins.nextAsTwin()).result;
  expect(twin).toMatchObject({ deviceId: "a", tags: { site: "north" } });
});

it.each([
  "DELETE devices",
  "SELECT * FROM rooms",
  "SELECT * FROM devices WHERE",
  "SELECT * FROM devices WHERE f(1)",
])("refuses %s", async (query) => {
  const hub = await fleet();
  expect(await outcome(asked(hub, query))).toMatchObject({ name: "ArgumentError" });
});

function jobs(hub: IotHubSimulator): JobClient {
  const client = JobClient.fromConnectionString(hub.serviceConnectionString());
  const rest = client as unknown as { _restApiClient: { setOptions(options: object): void } };
  rest._restApiClient.setOptions({ http: { agent: hub.agent() } });
  return client;
}

async function ended(client: JobClient, id: string): Promise<unknown> {
  let job: { status?: string } = {};
  await expect
    .poll(async () => {
      job = (await client.getJob(id)).jobStatus as typeof job;
      return job.status;
    })
    .not.toMatch(/queued|running/);
  return job;
}

it("updates the twins of those who meet a job's condition", async () => {
  const hub = await fleet();
  const client = jobs(hub);
  const patch = { etag: "*", tags: { wave: 1 }, properties: { desired: { interval: 20 } } };
  await client.scheduleTwinUpdate("j1", "tags.site = 'north'", patch, new Date(), 60);
  expect(await ended(client, "j1")).toMatchObject({
    jobId: "j1",
    type: "scheduleUpdateTwin",
    status: "completed",
    deviceJobStatistics: { deviceCount: 2, succeededCount: 2, failedCount: 0 },
  });
  expect(hub.device("b").desired).toMatchObject({ interval: 20 });
  expect(hub.device("c").desired).not.toHaveProperty("interval");
  expect(await asked(hub, "SELECT deviceId FROM devices WHERE tags.wave = 1")).toHaveLength(1);
  const outcomes = "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j1' AND deviceId = 'a'";
  expect(await asked(hub, outcomes)).toMatchObject([[{ deviceId: "a", status: "completed" }]]);
});

it("calls a method of many devices, and says who did not answer", async () => {
  const hub = await fleet();
  const device = opened.add(await deviceClient(hub, "a"));
  await device.open();
  device.onDeviceMethod("reboot", (request, response) => {
    void response.send(200, { got: request.payload as unknown });
  });
  await until(() => hub.device("a").takesMethods);
  const client = jobs(hub);
  const call = { methodName: "reboot", payload: { now: true }, responseTimeoutInSeconds: 5 };
  await client.scheduleDeviceMethod("j2", "deviceId IN ['a', 'b']", call, new Date(), 60);
  expect(await ended(client, "j2")).toMatchObject({
    status: "completed",
    deviceJobStatistics: { succeededCount: 1, failedCount: 1 },
  });
  const rows = (await asked(hub, "SELECT * FROM devices.jobs")).flat();
  expect(rows).toMatchObject([
    { deviceId: "a", outcome: { deviceMethodResponse: { status: 200, payload: { got: { now: true } } } } },
    { deviceId: "b", status: "failed", error: { code: "404103" } },
  ]);
});

it("cancels a job that has not begun, and lists jobs", async () => {
  const hub = await fleet();
  const client = jobs(hub);
  const later = new Date(Date.now() + 3_600_000);
  await client.scheduleTwinUpdate("j3", "*", { etag: "*", tags: { x: 1 } }, later, 60);
  await client.cancelJob("j3");
  expect(await ended(client, "j3")).toMatchObject({ status: "cancelled" });
  const again = client.scheduleTwinUpdate("j3", "*", { etag: "*", tags: {} }, later, 60);
  expect(await outcome(again)).toMatchObject({ response: { statusCode: 409 } });
  expect(await outcome(client.getJob("none"))).toMatchObject({ response: { statusCode: 404 } });
  const listed = await client.createQuery("scheduleUpdateTwin", "cancelled").next();
  expect(listed.result).toMatchObject([{ jobId: "j3" }]);
});

it("keeps configurations", async () => {
  const hub = await fleet();
  const registry: Registry = registryClient(hub);
  const configuration = {
    id: "chiller",
    content: { deviceContent: { "properties.desired.chiller": { temperature: 66 } } },
    targetCondition: "tags.site = 'north'",
    priority: 20,
  };
  await registry.addConfiguration(configuration as never);
  expect(await outcome(registry.addConfiguration(configuration as never))).toMatchObject({
    response: { statusCode: 409 },
  });
  const kept = (await registry.getConfiguration("chiller")).responseBody;
  expect(kept).toMatchObject({ ...configuration, schemaVersion: "1.0" });
  await registry.updateConfiguration({ ...kept, priority: 30 });
  expect((await registry.getConfigurations()).responseBody).toMatchObject([{ id: "chiller", priority: 30 }]);
  await registry.removeConfiguration("chiller");
  expect((await registry.getConfigurations()).responseBody).toEqual([]);
});

it("counts connected devices, and creates twins and modules in bulk", async () => {
  const hub = await fleet();
  const registry = registryClient(hub);
  const device = opened.add(await deviceClient(hub, "a"));
  await device.open();
  const post = (path: string, method: string, body?: unknown): Promise<{ result: unknown }> =>
    new Promise((resolve, reject) => {
      const { _restApiClient: rest } = registry as unknown as {
        _restApiClient: {
          executeApiCall(
            ...args: [string, string, object, unknown, (error: Error | null, result: unknown) => void]
          ): void;
        };
      };
      const headers = { "Content-Type": "application/json" };
      rest.executeApiCall(method, `${path}?api-version=2021-04-12`, headers, body, (error, result) => {
        if (error === null) resolve({ result });
        else reject(error);
      });
    });
  expect(await post("/statistics/service", "GET")).toEqual({ result: { connectedDeviceCount: 1 } });
  await post("/devices", "POST", [
    { id: "d", importMode: "create", tags: { site: "east" }, properties: { desired: { on: true } } },
    { id: "d", moduleId: "m", importMode: "create" },
    { id: "c", importMode: "updateTwin", tags: { site: "west" } },
  ]);
  expect(hub.device("d").desired).toMatchObject({ on: true });
  expect(hub.device("d", "m").isConnected).toBe(false);
  expect((await asked(hub, "SELECT tags.site FROM devices WHERE deviceId IN ['c', 'd']")).flat()).toEqual([
    { site: "west" },
    { site: "east" },
  ]);
});

it("refuses a query of more than 8192 characters, which would also be too deep to carry out", async () => {
  const hub = await fleet();
  const query = `SELECT * FROM devices WHERE 1 = ${"1 + ".repeat(20_000)}1`;
  await expect(asked(hub, query)).rejects.toMatchObject({ response: { statusCode: 400 } });
  const condition = query.slice(query.indexOf("1 ="));
  await expect(
    jobs(hub).scheduleTwinUpdate("deep", condition, { tags: {} }, new Date(), 60),
  ).rejects.toMatchObject({ response: { statusCode: 400 } });
});
