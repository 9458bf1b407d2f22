import iot from "azure-iot-device";
import { expect, it } from "vitest";
import { deviceId, scene, until } from "./scene.ts";

const { Message } = iot;

for (const how of ["reset", "fin"] as const) {
  it(`comes back after its socket ended by ${how}, with messages, methods and desired properties on it`, async () => {
    await using it = await scene();
    const { hub, client, device } = it;
    const received: string[] = [];
    const patches: unknown[] = [];
    client.on("message", (message) => received.push(String(message.getData())));
    client.onDeviceMethod("ask", (_request, response) => void response.send(200, { fine: true }));
    await client.open();
    const twin = await client.getTwin();
    twin.on("properties.desired", (patch) => patches.push(patch));
    await until(() => device.takesDesired && device.takesMethods);
    hub.forgetSessions();
    device.drop({ how });
    await until(
      () => hub.journal.connections(deviceId).filter((one) => one.openedAt !== undefined).length === 2,
    );
    await until(() => device.takesDesired && device.takesMethods);
    device.send({ body: "hello" });
    device.updateDesired({ colour: "red" });
    await until(() => received.includes("hello"));
    expect(await device.invoke("ask")).toMatchObject({ status: 200, payload: { fine: true } });
    await until(() => JSON.stringify(patches).includes("red"));
    await client.sendEvent(new Message("still here"));
    expect(hub.journal.telemetry(deviceId)).toHaveLength(1);
  });
}

it("opens once the hub can be reached, and sends what was sent meanwhile", async () => {
  await using it = await scene();
  const { hub, client } = it;
  await hub.stop();
  const opened = client.open();
  const sent = client.sendEvent(new Message("early"));
  await until(() => it.events.some((event) => event.type === "retry"));
  await hub.start();
  await Promise.all([opened, sent]);
  expect(hub.journal.telemetry(deviceId)).toHaveLength(1);
});
