import * as official from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { HoldfastError, ServiceBusClient } from "@holdfast/service-bus";

const key = "c2VjcmV0LWtleS10aGF0LW5vYm9keS1tYXktc2Vl";
const endpoint = "Endpoint=sb://my.servicebus.windows.net/";

// What is wrong, the string, what the error says.
const wrong: readonly [string, unknown, RegExp][] = [
  ["nothing", undefined, /is of type undefined; is the variable/],
  ["null", null, /it is null/],
  ["an empty text", "  ", /it is empty/],
  [
    "quotation marks around it",
    `"${endpoint};SharedAccessKeyName=n;SharedAccessKey=${key}"`,
    /quotation marks/,
  ],
  ["no endpoint", `SharedAccessKeyName=n;SharedAccessKey=${key}`, /Endpoint is missing/],
  [
    "an endpoint without a scheme",
    `Endpoint=my.servicebus.windows.net;SharedAccessKeyName=n;SharedAccessKey=${key}`,
    /not like sb:/,
  ],
  [
    "a placeholder",
    `Endpoint=sb://<name>.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=${key}`,
    /placeholder/,
  ],
  ["no key name", `${endpoint};SharedAccessKey=${key}`, /SharedAccessKeyName is missing/],
  ["no key", `${endpoint};SharedAccessKeyName=n`, /SharedAccessKey is missing/],
  [
    "an empty key",
    `${endpoint};SharedAccessKeyName=n;SharedAccessKey=`,
    /SharedAccessKey is missing, or empty/,
  ],
  ["neither key nor signature", endpoint, /neither SharedAccessKeyName/],
  [
    "both",
    `${endpoint};SharedAccessKeyName=n;SharedAccessKey=${key};SharedAccessSignature=SharedAccessSignature sr=x`,
    /both/,
  ],
  ["a key with a space", `${endpoint};SharedAccessKeyName=n;SharedAccessKey=${key} x`, /holds a space/],
  [
    "a key that was encoded for a URL",
    `${endpoint};SharedAccessKeyName=n;SharedAccessKey=abc%2Bdef%3D`,
    /encoded for a URL; %2B stands for \+/,
  ],
  [
    "more than one thing wrong",
    "Endpoint=my.servicebus.windows.net;SharedAccessKeyName=n",
    /Endpoint is not like .*; and SharedAccessKey is missing/,
  ],
  ["a part that is no pair", `${endpoint};SharedAccessKeyName=n;${key}`, /no Key=Value pair/],
  [
    "a Storage account's",
    `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${key}`,
    /of a Storage account/,
  ],
  ["IoT Hub's", `HostName=h.azure-devices.net;SharedAccessKeyName=n;SharedAccessKey=${key}`, /of IoT Hub/],
];

describe("SBC-028, SBC-035, SBC-037 a connection string", () => {
  it.each(wrong)("with %s is refused with a reason, and no key is shown", (_, text, reason) => {
    let thrown: unknown;
    try {
      new ServiceBusClient(text as string);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HoldfastError);
    expect(thrown).toMatchObject({ code: "misconfigured" });
    expect((thrown as Error).message).toMatch(reason);
    expect((thrown as Error).message).not.toContain(key);
  });

  it.each([
    `${endpoint};SharedAccessKeyName=n;SharedAccessKey=${key}`,
    `${endpoint};SharedAccessKeyName=n;SharedAccessKey=${key};`,
    `${endpoint};SharedAccessKeyName=n;SharedAccessKey=${key};EntityPath=orders`,
    `${endpoint};SharedAccessSignature=SharedAccessSignature sr=x&sig=y&se=1&skn=n`,
    `Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=n;SharedAccessKey=${key};UseDevelopmentEmulator=true`,
  ])("SBC-038 that the official client takes is taken: %#", (text) => {
    expect(new official.ServiceBusClient(text)).toBeInstanceOf(official.ServiceBusClient);
    expect(new ServiceBusClient(text)).toBeInstanceOf(official.ServiceBusClient);
  });

  it("is not looked at when bypassed", () => {
    expect(() => new ServiceBusClient(endpoint, { resilience: false })).not.toThrow(HoldfastError);
  });
});
