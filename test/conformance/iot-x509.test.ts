import { Readable } from "node:stream";
import iot from "azure-iot-device";
import { Amqp, AmqpWs } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt, MqttWs } from "azure-iot-device-mqtt";
import { describe, expect, it } from "vitest";
import { failureOf, Client as OurClient } from "@holdfast/iot-device";
import {
  iotHub,
  makeDeviceCertificate,
  trustCertificate,
  type DeviceCertificate,
  type IotHubSimulator,
} from "@holdfast/simulators/iot-hub";

// A device that shows a certificate in place of a token; the hub knows its thumbprint. The official client, then ours.

const { Message } = iot;

const clients = { official: iot.Client, ours: OurClient };
const transports = { Mqtt, MqttWs, Amqp, AmqpWs, Http };
type TransportName = keyof typeof transports;

const plain = makeDeviceCertificate("d1");
const locked = makeDeviceCertificate("d1", { passphrase: "open sesame" });

async function hubThatKnows({ thumbprint }: DeviceCertificate): Promise<IotHubSimulator> {
  return iotHub({ devices: [{ deviceId: "d1", primaryThumbprint: thumbprint }] });
}

async function device(
  hub: IotHubSimulator,
  whose: keyof typeof clients,
  transport: TransportName,
  { cert, key, passphrase }: DeviceCertificate,
): Promise<iot.Client> {
  const over = transport === "Mqtt" || transport === "Amqp" ? "tcp" : "web-socket";
  const client: iot.Client = clients[whose].fromConnectionString(
    hub.deviceConnectionString("d1", undefined, over),
    transports[transport],
  );
  const agent = hub.agent();
  await client.setOptions({
    ...{ cert, key, ca: hub.ca },
    ...(passphrase === undefined ? {} : { passphrase }),
    http: { agent, receivePolicy: { interval: 1 } },
    mqtt: { webSocketAgent: agent },
    amqp: { webSocketAgent: agent },
  });
  return client;
}

const cases = (Object.keys(transports) as TransportName[]).flatMap((transport) =>
  (["official", "ours"] as const).map((whose) => ({ whose, transport })),
);

describe.each(cases)("$whose client over $transport with a certificate", ({ whose, transport }) => {
  it("is let in by its thumbprint, without a token, and sends", async () => {
    await using hub = await hubThatKnows(await plain);
    const client = await device(hub, whose, transport, await plain);
    await client.open();
    await client.sendEvent(new Message("here"));
    await client.close();
    expect(hub.journal.telemetry("d1").map(({ body }) => body.toString())).toEqual(["here"]);
    expect(hub.journal.tokens().every(({ status }) => status === 200)).toBe(true);
    expect(hub.journal.connections().every(({ tokenExpiresAt }) => tokenExpiresAt === undefined)).toBe(true);
  });

  it("IOT-44 is refused with another certificate, and told that it is not authorized", async () => {
    await using hub = await hubThatKnows(await plain);
    const client = await device(hub, whose, transport, await makeDeviceCertificate("d1"));
    const sent = client.sendEvent(new Message("stranger"));
    await expect(sent).rejects.toMatchObject({ name: "UnauthorizedError" });
    await client.close();
    expect(hub.journal.telemetry("d1")).toEqual([]);
    expect(hub.journal.tokens().map(({ description }) => description)).toContain(
      "The thumbprint of the certificate does not match.",
    );
  });
});

it.each(Object.keys(transports) as TransportName[])(
  "ours over %s opens a key by its passphrase",
  async (transport) => {
    await using hub = await hubThatKnows(await locked);
    const client = await device(hub, "ours", transport, await locked);
    await client.sendEvent(new Message("here"));
    await client.close();
    expect(hub.journal.telemetry("d1")).toHaveLength(1);
  },
);

it("official over Amqp forgets the passphrase", async () => {
  await using hub = await hubThatKnows(await locked);
  const client = await device(hub, "official", "Amqp", await locked);
  await expect(client.open()).rejects.toThrow("bad decrypt");
});

it.each(Object.keys(transports) as TransportName[])(
  "IOT-44 ours over %s says at once that the passphrase is wrong",
  async (transport) => {
    await using hub = await hubThatKnows(await locked);
    const client = await device(hub, "ours", transport, { ...(await locked), passphrase: "open barley" });
    const error: unknown = await client.sendEvent(new Message("x")).catch((refused: unknown) => refused);
    await client.close();
    expect(failureOf(error)).toMatchObject({ kind: "auth", id: "IOT-44" });
    expect(hub.journal.connections()).toEqual([]);
  },
);

describe.each(["official", "ours"] as const)("%s client with a certificate", (whose) => {
  it("uploads a file", async () => {
    await using hub = await hubThatKnows(await plain);
    // The requests around an upload go to the hub's HTTPS port, whatever the transport.
    const client = await device(hub, whose, "MqttWs", await plain);
    const distrust = trustCertificate(hub.ca);
    const file = Buffer.alloc(10_000, 7);
    await client.uploadToBlob("file.bin", Readable.from([file]), file.length).finally(distrust);
    await client.close();
    expect(hub.journal.uploads("d1")).toMatchObject([{ isSuccess: true, bytes: file.length }]);
  });
});

describe.each([
  ["Mqtt", "reset"],
  ["Amqp", "fin"],
] as const)("ours over %s with a certificate", (transport, how) => {
  it(`shows it again on each connection, after a ${how} and after an outage`, async () => {
    await using hub = await hubThatKnows(await plain);
    const client = await device(hub, "ours", transport, await plain);
    const received: string[] = [];
    client.on("message", (message: iot.Message) => received.push(String(message.data)));
    await client.open();
    hub.device("d1").drop({ how });
    await client.sendEvent(new Message("after the drop"));
    await hub.restart({ downMs: 300 });
    await client.sendEvent(new Message("after the outage"));
    hub.device("d1").send({ body: "hello" });
    while (received.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await client.close();
    expect(hub.journal.refusals()).toEqual([]);
    const bodies = hub.journal.telemetry("d1").map(({ body }) => body.toString());
    expect(new Set(bodies)).toEqual(new Set(["after the drop", "after the outage"]));
  });
});
