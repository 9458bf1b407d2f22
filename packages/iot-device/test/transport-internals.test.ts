import { Amqp } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt } from "azure-iot-device-mqtt";
import { expect, it } from "vitest";
import { officialPackage, type OfficialTransport } from "../src/official.ts";
import { protocolOf, sendWithoutJson } from "../src/transport-internals.ts";

const provider = (): never =>
  officialPackage.SharedAccessKeyAuthenticationProvider.fromConnectionString(
    "HostName=h;DeviceId=d;SharedAccessKey=a2V5",
  ) as never;

// These hold the official packages to what our code finds inside them.

it("tells the official transports' protocols", () => {
  const all = [Mqtt, Amqp, Http as unknown as typeof Mqtt];
  const protocols = all.map((Transport) =>
    protocolOf(new Transport(provider()) as unknown as OfficialTransport),
  );
  expect(protocols).toEqual(["mqtt", "amqp", "http"]);
});

it("finds the MQTT transport's states, and nothing of the kind elsewhere", () => {
  const handled: unknown[][] = [];
  const mqtt = new Mqtt(provider()) as unknown as OfficialTransport & {
    _fsm: { handle: (...given: unknown[]) => void };
  };
  mqtt._fsm.handle = (...given) => handled.push(given);
  const message = new officialPackage.Message("x");
  expect(sendWithoutJson(mqtt, message, "alerts", () => undefined)).toBe(true);
  expect(handled[0]?.slice(0, 3)).toEqual(["sendEvent", message, { "$.on": "alerts" }]);
  const amqp = new Amqp(provider()) as unknown as OfficialTransport;
  expect(sendWithoutJson(amqp, message, undefined, () => undefined)).toBe(false);
});
