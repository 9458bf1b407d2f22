import * as official from "@azure/service-bus";
import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import * as ours from "@holdfast/service-bus";

const connectionString =
  "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=name;SharedAccessKey=key;UseDevelopmentEmulator=true";
const tokenCredential = {
  getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }),
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the package", () => {
  it("exports every run-time value of the official package, and the same one but for the clients", () => {
    for (const [name, value] of Object.entries(official)) {
      expect(ours).toHaveProperty(name);
      if (!["ServiceBusClient", "ServiceBusAdministrationClient", "default"].includes(name))
        expect(ours[name as keyof typeof ours]).toBe(value);
    }
  });

  it("goes wherever the official client's type is asked for", () => {
    expectTypeOf<ours.ServiceBusClient>().toExtend<official.ServiceBusClient>();
    expectTypeOf<typeof ours.ServiceBusClient>().toExtend<
      new (connectionString: string, options?: official.ServiceBusClientOptions) => official.ServiceBusClient
    >();
    const Client: typeof official.ServiceBusClient = ours.ServiceBusClient;
    const client: official.ServiceBusClient = new Client(connectionString);
    const sender: official.ServiceBusSender = client.createSender("orders");
    expect(client).toBeInstanceOf(official.ServiceBusClient);
    expect(client).toBeInstanceOf(ours.ServiceBusClient);
    expect(sender.entityPath).toBe("orders");
    expect(client.fullyQualifiedNamespace).toBe("127.0.0.1");
  });
});

describe("SBC-032 the constructor", () => {
  const options = { identifier: "me", retryOptions: { maxRetries: 1 } };
  const forms: readonly [string, () => ours.ServiceBusClient][] = [
    ["a connection string", () => new ours.ServiceBusClient(connectionString)],
    ["a connection string and options", () => new ours.ServiceBusClient(connectionString, options)],
    ["a namespace and a token credential", () => new ours.ServiceBusClient("n.example", tokenCredential)],
    [
      "a namespace, a token credential and options",
      () => new ours.ServiceBusClient("n.example", tokenCredential, options),
    ],
    [
      "a namespace and a named key",
      () => new ours.ServiceBusClient("n.example", { name: "n", key: "k" }, options),
    ],
    [
      "a namespace and a signature",
      () => new ours.ServiceBusClient("n.example", { signature: "SharedAccessSignature sr=a" }, options),
    ],
  ];
  for (const [form, make] of forms) {
    it(`takes ${form}`, async () => {
      const client = make();
      const sender = client.createSender("orders");
      expect(sender.identifier).toMatch(/^orders-/);
      await client.close();
    });
  }

  it("leaves the caller's options as they were", async () => {
    const given = Object.freeze({
      retryOptions: Object.freeze({ maxRetries: 1 }),
      resilience: Object.freeze({}),
    });
    await using client = new ours.ServiceBusClient(connectionString, given);
    client.createSender("orders");
    expect(given).toEqual({ retryOptions: { maxRetries: 1 }, resilience: {} });
  });

  it("says what is missing in a connection string", () => {
    const text = "SharedAccessKeyName=name;SharedAccessKey=key";
    expect(() => new ours.ServiceBusClient(text)).toThrow(/Endpoint is missing/);
    expect(() => new official.ServiceBusClient(text)).toThrow();
  });

  it("refuses a sender for another entity than the connection string's, as the official client does", () => {
    const client = new ours.ServiceBusClient(`${connectionString};EntityPath=orders`);
    expect(() => client.createSender("others")).toThrow(/EntityPath|entity/i);
    expect(client.createSender("orders").entityPath).toBe("orders");
  });

  const bad: readonly [string, unknown, RegExp][] = [
    ["something that holds no options", true, /resilience must be an object, or false; got true/],
    ["an unknown option", { closeTimeout: 1 }, /resilience .*closeTimeoutMs.*"closeTimeout"/],
    ["a negative close timeout", { closeTimeoutMs: -1 }, /resilience\.closeTimeoutMs .*0 or more; got -1/],
    ["a listener that is none", { onEvent: "log" }, /resilience\.onEvent .*function; got "log"/],
    ["policies that are none", { policies: {} }, /resilience\.policies .*serviceBusPolicies/],
    [
      "a misspelt operation",
      { policies: ours.policies({ "serviceBus.sned": ours.presets.request }) },
      /resilience\.policies .*serviceBus\.send.*"serviceBus\.sned"/,
    ],
  ];
  for (const [what, resilience, message] of bad) {
    it(`names option, value and range for ${what}`, () => {
      expect(() => new ours.ServiceBusClient(connectionString, { resilience: resilience as object })).toThrow(
        message,
      );
    });
  }
});

it.each([{ maxRetries: -1 }, { maxRetries: 2.5 }, null])(
  "takes retryOptions %j as the official client does",
  (retryOptions) => {
    const options = (): never => ({ retryOptions: retryOptions && { ...retryOptions } }) as never;
    expect(() => new official.ServiceBusClient(connectionString, options())).not.toThrow();
    expect(() => new ours.ServiceBusClient(connectionString, options())).not.toThrow();
  },
);

describe("the bypass", () => {
  const isOfficial = (sender: official.ServiceBusSender): boolean =>
    sender.constructor === new official.ServiceBusClient(connectionString).createSender("orders").constructor;

  it("gives the official sender with resilience: false", () => {
    const client = new ours.ServiceBusClient(connectionString, { resilience: false });
    expect(isOfficial(client.createSender("orders"))).toBe(true);
  });

  it("gives the official sender to every client while HOLDFAST_BYPASS is 1", () => {
    vi.stubEnv("HOLDFAST_BYPASS", "1");
    expect(isOfficial(new ours.ServiceBusClient(connectionString).createSender("orders"))).toBe(true);
    vi.stubEnv("HOLDFAST_BYPASS", "");
    expect(isOfficial(new ours.ServiceBusClient(connectionString).createSender("orders"))).toBe(false);
  });
});
