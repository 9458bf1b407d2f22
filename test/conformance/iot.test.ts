import { once } from "node:events";
import { Readable } from "node:stream";
import iot from "azure-iot-device";
import { Amqp, AmqpWs } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt, MqttWs } from "azure-iot-device-mqtt";
import { describe, expect, it } from "vitest";
import { Client as OurClient, ModuleClient as OurModuleClient } from "@holdfast/iot-device";
import { iotHub, trustCertificate, type IotHubSimulator } from "@holdfast/simulators/iot-hub";

// One suite, run twice over each transport: the official client, then ours. What differs is shown at the end.

const { Message } = iot;
type Client = iot.Client;

const clients = { official: iot.Client, ours: OurClient };
const moduleClients = { official: iot.ModuleClient, ours: OurModuleClient };
const transports = { Mqtt, MqttWs, Amqp, AmqpWs, Http };
type TransportName = keyof typeof transports;

interface Bench extends AsyncDisposable {
  readonly hub: IotHubSimulator;
  readonly client: Client;
}

const cases = (Object.keys(transports) as TransportName[]).flatMap((transport) =>
  (["official", "ours"] as const).map((whose) => ({ whose, transport })),
);
const connected = cases.filter(({ transport }) => transport !== "Http");

function connectionString(hub: IotHubSimulator, transport: TransportName, moduleId?: string): string {
  const direct = hub.deviceConnectionString("d1", moduleId);
  return transport === "Mqtt" || transport === "Amqp" ? direct : direct.replace(/;GatewayHostName=[^;]*/, "");
}

function optionsFor(hub: IotHubSimulator): Parameters<Client["setOptions"]>[0] {
  const agent = hub.agent();
  return {
    ca: hub.ca,
    // The HTTPS transport's setOptions never calls back without one.
    http: { agent, receivePolicy: { interval: 1 } },
    mqtt: { webSocketAgent: agent },
    amqp: { webSocketAgent: agent },
  };
}

async function bench(whose: keyof typeof clients, transport: TransportName): Promise<Bench> {
  const hub = await iotHub({ devices: ["d1"] });
  const client: Client = clients[whose].fromConnectionString(
    connectionString(hub, transport),
    transports[transport],
  );
  await client.setOptions(optionsFor(hub));
  await client.open();
  return {
    ...{ hub, client },
    async [Symbol.asyncDispose]() {
      await client.close();
      await hub.close();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe.each(cases)("$whose client over $transport", ({ whose, transport }) => {
  it("sends body, properties and system properties as they are", async () => {
    await using it = await bench(whose, transport);
    const message = new Message(JSON.stringify({ temperature: 21.5 }));
    message.messageId = "m-1";
    message.correlationId = "c-1";
    message.contentType = "application/json";
    message.contentEncoding = "utf-8";
    message.properties.add("sensor", "ä/1 & more");
    await it.client.sendEvent(message);
    expect(it.hub.journal.telemetry("d1")).toMatchObject([
      {
        ...{
          messageId: "m-1",
          correlationId: "c-1",
          contentType: "application/json",
          contentEncoding: "utf-8",
        },
        properties: { sensor: "ä/1 & more" },
      },
    ]);
    expect(it.hub.journal.telemetry("d1")[0]?.body.toString()).toBe('{"temperature":21.5}');
  });

  it("answers by callback, too", async () => {
    await using it = await bench(whose, transport);
    const result = await new Promise((resolve, reject) => {
      it.client.sendEvent(new Message("x"), (error, sent) => {
        if (error) reject(error);
        else resolve(sent);
      });
    });
    expect((result as object).constructor.name).toBe("MessageEnqueued");
  });

  it("receives a message from the cloud, and completes it", async () => {
    await using it = await bench(whose, transport);
    const received: InstanceType<typeof Message>[] = [];
    // It stays: without a listener both clients switch messages off, and then nothing can be completed.
    it.client.on("message", (message) => received.push(message));
    await new Promise((resolve) => setTimeout(resolve, 200));
    it.hub.device("d1").send({ body: "hello", messageId: "c2d-1", properties: { a: "b" } });
    await until(() => received.length > 0);
    const message = received[0]!;
    expect(message.getBytes().toString()).toBe("hello");
    expect(message.messageId).toBe("c2d-1");
    // The official HTTPS transport leaves the application's properties out.
    if (transport !== "Http") expect(message.properties.getValue("a")).toBe("b");
    await it.client.complete(message);
    await until(() => it.hub.device("d1").queueDepth === 0);
    expect(it.hub.journal.settled("d1")).toMatchObject([{ outcome: "completed" }]);
  });
});

describe.each(connected)("$whose client over $transport", ({ whose, transport }) => {
  it("answers direct methods", async () => {
    await using it = await bench(whose, transport);
    it.client.onDeviceMethod("reboot", (request, response) => {
      void response.send(200, { asked: request.payload as unknown });
    });
    await until(() => it.hub.device("d1").takesMethods);
    const result = await it.hub.device("d1").invoke("reboot", { in: 5 });
    expect(result).toMatchObject({ status: 200, payload: { asked: { in: 5 } } });
  });

  it("reads its twin, hears of changes, and reports", async () => {
    await using it = await bench(whose, transport);
    const twin = await it.client.getTwin();
    const heard: unknown[] = [];
    twin.on("properties.desired.colour", (colour: unknown) => heard.push(colour));
    await until(() => it.hub.device("d1").takesDesired);
    it.hub.device("d1").updateDesired({ colour: "red" });
    await until(() => heard.length > 0);
    expect(heard).toEqual(["red"]);
    await new Promise<void>((resolve, reject) => {
      twin.properties.reported["update"]({ battery: 80 }, (error: Error | null) => {
        if (error) reject(error);
        else resolve();
      });
    });
    expect(it.hub.device("d1").reported).toMatchObject({ battery: 80 });
  });
});

describe.each(["official", "ours"] as const)("%s client", (whose) => {
  it("gives a message back over AMQP, and gets it again", async () => {
    await using it = await bench(whose, "Amqp");
    let deliveries = 0;
    it.client.on("message", (message) => {
      deliveries += 1;
      void (deliveries === 1 ? it.client.abandon(message) : it.client.reject(message));
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    it.hub.device("d1").send({ body: "hello" });
    await until(() => it.hub.device("d1").queueDepth === 0);
    expect(it.hub.journal.settled("d1").map(({ outcome }) => outcome)).toEqual(["abandoned", "rejected"]);
  });

  it("sends a batch over HTTPS", async () => {
    await using it = await bench(whose, "Http");
    await it.client.sendEventBatch([new Message("a"), new Message("b")]);
    expect(it.hub.journal.telemetry("d1").map(({ body }) => body.toString())).toEqual(["a", "b"]);
  });

  it("uploads a file", async () => {
    await using it = await bench(whose, "Mqtt");
    const distrust = trustCertificate(it.hub.ca);
    const file = Buffer.alloc(100_000, 7);
    await it.client.uploadToBlob("file.bin", Readable.from([file]), file.length).finally(distrust);
    expect(it.hub.journal.uploads("d1")).toMatchObject([{ isSuccess: true, bytes: file.length }]);
  });

  it("is a module, with inputs and outputs", async () => {
    await using hub = await iotHub({ devices: ["d1", { deviceId: "d1", moduleId: "m1" }] });
    const client: InstanceType<typeof iot.ModuleClient> = moduleClients[whose].fromConnectionString(
      connectionString(hub, "Mqtt", "m1"),
      Mqtt,
    );
    await client.setOptions({ ca: hub.ca });
    await client.open();
    await client.sendOutputEvent("alerts", new Message("hot"));
    await client.close();
    expect(hub.journal.telemetry()).toMatchObject([{ moduleId: "m1", outputName: "alerts" }]);
  });
});

describe("what differs", () => {
  it("rejects and abandons over MQTT: official throws NotImplementedError, ours does nothing", async () => {
    for (const whose of ["official", "ours"] as const) {
      await using it = await bench(whose, "Mqtt");
      const came = once(it.client, "message") as Promise<[InstanceType<typeof Message>]>;
      await new Promise((resolve) => setTimeout(resolve, 200));
      it.hub.device("d1").send({ body: "hello" });
      const [message] = await came;
      const rejected = await Promise.resolve()
        .then(() => it.client.reject(message))
        .then(
          () => "nothing",
          (error: unknown) => (error as Error).name,
        );
      expect(rejected).toBe(whose === "ours" ? "nothing" : "NotImplementedError");
    }
  });

  it("sends without a messageId: official leaves it out, ours stamps one", async () => {
    for (const whose of ["official", "ours"] as const) {
      await using it = await bench(whose, "Mqtt");
      await it.client.sendEvent(new Message("x"));
      expect(typeof it.hub.journal.telemetry("d1")[0]?.messageId).toBe(
        whose === "ours" ? "string" : "undefined",
      );
    }
  });
});
