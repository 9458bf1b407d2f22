import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import iot from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt } from "azure-iot-device-mqtt";
import { describe, expect, it } from "vitest";
import { classifyIotDevice, Client, failureOf } from "@holdfast/iot-device";
import { hubErrors, iotHub, refuse, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { bodies, connectionStringFor, optionsFor } from "./iot-scene.ts";

// Rows about credentials: what they are made of, who renews them, and what is said when the hub does not take them.

const { Message } = iot;
const transports = [
  ["MQTT", Mqtt],
  ["AMQP", Amqp],
  ["HTTPS", Http],
] as const;

function signature(hub: IotHubSimulator, host: string, validSeconds: number): string {
  const resource = encodeURIComponent(`${host}/devices/ours`);
  const { authentication } = hub.device("ours");
  const key = authentication.type === "sas" ? authentication.primaryKey : "";
  // Tokens end at whole seconds.
  const expiry = Math.ceil(Date.now() / 1_000 + validSeconds);
  const signed = createHmac("sha256", Buffer.from(key, "base64")).update(`${resource}\n${String(expiry)}`);
  const sig = encodeURIComponent(signed.digest("base64"));
  return `SharedAccessSignature sr=${resource}&sig=${sig}&se=${String(expiry)}`;
}

/** Where the simulated hub is, for a transport that takes a port. */
function hereFor(hub: IotHubSimulator, Transport: unknown): string | undefined {
  return Transport === Http ? undefined : `localhost:${String(hub.port)}`;
}

type Provider = Parameters<typeof iot.Client.fromAuthenticationProvider>[0];

/** What an application may write: credentials from wherever it has them, and a word when there are new ones. */
class OwnProvider extends EventEmitter implements Provider {
  readonly type: Provider["type"];
  readonly #credentials: () => { host: string; deviceId: string; sharedAccessSignature: string };

  constructor(hub: IotHubSimulator, Transport: unknown, validSeconds: number) {
    super();
    const official = iot.SharedAccessSignatureAuthenticationProvider.fromSharedAccessSignature(
      signature(hub, hub.hostName, validSeconds),
    );
    this.type = official.type;
    const gatewayHostName = hereFor(hub, Transport);
    this.#credentials = () => ({
      ...{ host: hub.hostName, deviceId: "ours", gatewayHostName },
      sharedAccessSignature: signature(hub, hub.hostName, validSeconds),
    });
  }

  renew(): void {
    this.emit("newTokenAvailable", this.#credentials());
  }

  getDeviceCredentials = ((callback?: (error: unknown, credentials: unknown) => void) => {
    if (callback === undefined) return Promise.resolve(this.#credentials());
    callback(null, this.#credentials());
    return undefined;
  }) as unknown as Provider["getDeviceCredentials"];
}

describe.each(transports)("over %s", (_name, Transport) => {
  it("IOT-05 IOT-45 a wrong key is a matter of authentication, and what to look at is said", async () => {
    await using hub = await iotHub({ devices: ["ours"] });
    const wrong = connectionStringFor(hub, "ours", Transport).replace(
      /SharedAccessKey=[^;]*/,
      `SharedAccessKey=${Buffer.from("another key").toString("base64")}`,
    );
    await using client = Client.fromConnectionString(wrong, Transport, {
      resilience: { closeTimeoutMs: 100 },
    });
    await client.setOptions(optionsFor(hub));
    const error: unknown = await client.sendEvent(new Message("x")).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ name: "UnauthorizedError" });
    expect(failureOf(error)).toMatchObject({ kind: "auth", outcome: "rejected" });
    expect(failureOf(error)?.remedy).toMatch(/key.*clock/);
    // One more try with a fresh token, and no more.
    expect(hub.journal.tokens().length).toBeLessThanOrEqual(2);
    expect(bodies(hub, "ours")).toEqual([]);
  });

  it("IOT-09 asks the user's own provider for credentials, and takes each new token before the old one ends", async () => {
    await using hub = await iotHub({ devices: ["ours"] });
    const provider = new OwnProvider(hub, Transport, 3);
    await using client = Client.fromAuthenticationProvider(provider, Transport, {
      resilience: { closeTimeoutMs: 100 },
    });
    await client.setOptions(optionsFor(hub));
    await client.open();
    const renewing = setInterval(() => {
      provider.renew();
    }, 1_000);
    const startedAt = performance.now();
    let sent = 0;
    while (performance.now() - startedAt < 5_000) await client.sendEvent(new Message(String((sent += 1))));
    clearInterval(renewing);
    await client.close();
    expect(hub.journal.refusals()).toEqual([]);
    expect(hub.journal.tokens().every(({ status }) => status === 200)).toBe(true);
    expect(bodies(hub, "ours")).toHaveLength(sent);
    expect(provider.listenerCount("newTokenAvailable")).toBe(0);
  });

  it("IOT-09 takes the signature that updateSharedAccessSignature gives it", async () => {
    await using hub = await iotHub({ devices: ["ours"] });
    const host = hereFor(hub, Transport) ?? hub.hostName;
    await using client = Client.fromSharedAccessSignature(signature(hub, host, 2), Transport, {
      resilience: { closeTimeoutMs: 100 },
    });
    await client.setOptions(optionsFor(hub));
    await client.sendEvent(new Message("before"));
    await new Promise((resolve) => {
      client.updateSharedAccessSignature(signature(hub, host, 60), resolve);
    });
    await new Promise((resolve) => setTimeout(resolve, 3_200));
    await client.sendEvent(new Message("after"));
    expect(bodies(hub, "ours")).toEqual(["before", "after"]);
    expect(hub.journal.refusals()).toEqual([]);
  });
});

it("IOT-03 IOT-28 each error of the hub is a row of its log, by code and name, that our table knows", async () => {
  await using hub = await iotHub({ devices: ["ours"] });
  const client = iot.Client.fromConnectionString(connectionStringFor(hub, "ours", Http), Http);
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  await client.setOptions({ http: { agent: hub.agent(), receivePolicy: { interval: 1_000 } } });
  const coded = Object.entries(hubErrors).filter(([, { code }]) => code !== undefined);
  for (const [name] of coded) {
    hub.faults.next("send", refuse(name as keyof typeof hubErrors));
    await client.sendEvent(new Message(name)).catch(() => undefined);
  }
  const rows = hub.journal.log("ours").filter(({ level }) => level === "Error");
  expect(rows.map(({ resultType }) => resultType)).toEqual(coded.map(([, { code }]) => String(code)));
  const classify = classifyIotDevice();
  const unknown = rows.filter(
    ({ resultType, resultDescription }) =>
      classify(new Error(`${resultType} ${resultDescription}`), Date.now()).kind === "unknown",
  );
  expect(unknown.map(({ resultDescription }) => resultDescription)).toEqual([]);
});
