import dns from "node:dns";
import iot from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { Mqtt } from "azure-iot-device-mqtt";
import { afterEach, expect, it, vi } from "vitest";
import { Client, iotPolicies } from "@holdfast/iot-device";
import {
  forceConnectionClose,
  ignore,
  iotHub,
  makeCertificate,
  refuse,
  refuseConnection,
  type IotHubSimulator,
} from "@holdfast/simulators/iot-hub";
import { bodies, connects } from "./iot-scene.ts";

// Two nodes of one hub behind one name: the same port of two addresses, told in turn by the name service.

const { Message } = iot;
const impatient = iotPolicies({ "iot.connect": { attemptTimeoutMs: 3_000 } });

afterEach(() => vi.restoreAllMocks());

it.each([
  ["MQTT that answers CONNACK 3", Mqtt, (bad) => bad.faults.always("connack", refuseConnection(3))],
  ["MQTT that answers nothing", Mqtt, (bad) => bad.faults.always("connack", ignore())],
  ["AMQP that closes the connection", Amqp, (bad) => bad.faults.always("open", forceConnectionClose())],
  ["AMQP that refuses tokens with 500", Amqp, (bad) => bad.faults.always("cbs", refuse("serverError"))],
] as const satisfies [string, unknown, (bad: IotHubSimulator) => void][])(
  "IOT-36 leaves a faulty node, of %s, for the other within three attempts",
  async (_what, Transport, spoil) => {
    await using nodes = await twoNodes(["bad", "good"]);
    spoil(nodes.bad);
    await using client = await nodes.client(Transport);
    await client.sendEvent(new Message("here"));
    expect(bodies(nodes.good, "ours")).toEqual(["here"]);
    expect(nodes.bad.journal.connections().length).toBeGreaterThan(0);
    expect(nodes.asked.length).toBeLessThanOrEqual(3);
    expect(connects(nodes.good, "ours")).toBe(1);
  },
);

it("IOT-37 follows the hub to another address after a failover", async () => {
  await using nodes = await twoNodes(["bad"]);
  await using client = await nodes.client(Mqtt);
  await client.open();
  await client.sendEvent(new Message("before"));
  nodes.answers.splice(0, 1, "good");
  await nodes.bad.stop();
  await client.sendEvent(new Message("after"));
  expect(bodies(nodes.bad, "ours")).toEqual(["before"]);
  expect(bodies(nodes.good, "ours")).toEqual(["after"]);
});

type Node = "bad" | "good";

interface Nodes extends AsyncDisposable {
  readonly bad: IotHubSimulator;
  readonly good: IotHubSimulator;
  /** What the name service says next, in turn. */
  readonly answers: Node[];
  /** What it has said. */
  readonly asked: Node[];
  client(Transport: unknown): Promise<Client>;
}

async function twoNodes(answers: Node[]): Promise<Nodes> {
  const addresses = { bad: "127.0.0.2", good: "127.0.0.1" };
  const certificate = await makeCertificate();
  const good = await iotHub({ devices: ["ours"], host: addresses.good, certificate });
  const { port: mqtt, amqpPort: amqp } = good;
  const bad = await iotHub({ devices: ["ours"], host: addresses.bad, ports: { mqtt, amqp }, certificate });
  const asked: Node[] = [];
  const lookup = ((_name: string, options: { all?: boolean }, tell: (...told: unknown[]) => void) => {
    const node = answers[asked.length % answers.length] ?? "good";
    asked.push(node);
    const told = { address: addresses[node], family: 4 };
    process.nextTick(() => {
      if (options.all === true) tell(null, [told]);
      else tell(null, told.address, told.family);
    });
  }) as unknown as typeof dns.lookup;
  vi.spyOn(dns, "lookup").mockImplementation(lookup);
  return {
    ...{ bad, good, answers, asked },
    async client(Transport) {
      const client = Client.fromConnectionString(good.deviceConnectionString("ours"), Transport, {
        resilience: { policies: impatient, closeTimeoutMs: 100 },
      });
      await client.setOptions({ ca: good.ca });
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([bad.close(), good.close()]);
    },
  };
}
