import { Mqtt } from "azure-iot-device-mqtt";
import { expect, it, vi } from "vitest";
import { backoff } from "@holdfast/core";
import { Client, iotPolicies, Message } from "@holdfast/iot-device";
import { hasMosquitto, Mosquitto } from "./mosquitto.ts";

if (!hasMosquitto) console.info("mosquitto.test.ts is not run: no mosquitto (Debian package mosquitto)");

const count = 2_000;
const kills = 5;

it.runIf(hasMosquitto)(
  "loses nothing and keeps the order when a broker that knows nothing of us is killed in mid-flight, five times",
  async () => {
    await using broker = await Mosquitto.start();
    const key = Buffer.from("not checked by this broker").toString("base64");
    const here = `GatewayHostName=localhost:${String(broker.port)}`;
    const client = Client.fromConnectionString(
      `HostName=simulated.azure-devices.net;DeviceId=d1;SharedAccessKey=${key};${here}`,
      Mqtt,
      {
        resilience: {
          outbox: {},
          // Five ends of a connection within a minute are our doing here, and no other user of the identity.
          duplicateIdentity: { kicks: 1_000 },
          // The default waits up to ten seconds between attempts.
          policies: iotPolicies({ "iot.connect": { backoff: backoff.full({ baseMs: 50, capMs: 500 }) } }),
        },
      },
    );
    await client.setOptions({ ca: broker.ca });
    await client.open();
    const ids = Array.from({ length: count }, (_, index) => `m-${String(index + 1)}`);
    const sends = ids.map((id) => {
      const message = new Message(id);
      message.messageId = id;
      return client.sendEvent(message);
    });
    for (let kill = 1; kill <= kills; kill += 1) {
      const reached = (count * kill) / (kills + 1);
      await vi.waitFor(() => expect(broker.topics.length).toBeGreaterThan(reached), {
        timeout: 60_000,
        interval: 1,
      });
      await broker.kill();
      await broker.run();
    }
    await Promise.all(sends);
    await client.close();
    const arrived = broker.topics.map((topic) => /mid=([^&]*)/.exec(topic)?.[1] ?? topic);
    // In the order of their first arrival, and none is missing.
    expect([...new Set(arrived)]).toEqual(ids);
    // One message was in flight at each kill; what of it the broker had seen, it has twice.
    expect(arrived.length - ids.length).toBeLessThanOrEqual(kills);
  },
  300_000,
);
