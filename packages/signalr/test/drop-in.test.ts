import * as official from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import * as ours from "@holdfast/signalr";

const url = "http://127.0.0.1:9/chat";
const quiet = (): ours.HubConnectionBuilder =>
  new ours.HubConnectionBuilder().configureLogging(official.LogLevel.None);

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the package", () => {
  it("exports every run-time value of the official package, and the same one but for builder and connection", () => {
    for (const [name, value] of Object.entries(official)) {
      expect(ours).toHaveProperty(name);
      if (!["HubConnection", "HubConnectionBuilder", "default"].includes(name))
        expect(ours[name as keyof typeof ours]).toBe(value);
    }
  });

  it("goes wherever the official types are asked for", () => {
    expectTypeOf<ours.HubConnection>().toExtend<official.HubConnection>();
    expectTypeOf<ours.HubConnectionBuilder>().toExtend<official.HubConnectionBuilder>();
    const Builder: typeof official.HubConnectionBuilder = ours.HubConnectionBuilder;
    const builder: official.HubConnectionBuilder = new Builder();
    const connection: official.HubConnection = builder.withUrl(url).build();
    expect(builder).toBeInstanceOf(official.HubConnectionBuilder);
    expect(connection).toBeInstanceOf(official.HubConnection);
    expect(connection).toBeInstanceOf(ours.HubConnection);
  });

  it("has every public name of the official connection as its own", () => {
    const theirs = Object.getOwnPropertyNames(official.HubConnection.prototype);
    const own = Object.getOwnPropertyNames(ours.HubConnection.prototype);
    const publicOnes = theirs.filter((name) => !name.startsWith("_") && name !== "serverTimeout");
    expect(own).toEqual(expect.arrayContaining(publicOnes));
    expect(publicOnes).toEqual(expect.arrayContaining(["start", "stop", "invoke", "send", "stream", "on"]));
  });

  it("takes every call of the official builder, and the chain keeps its type", () => {
    const theirs = Object.getOwnPropertyNames(official.HubConnectionBuilder.prototype);
    // As they are typed in builder.ts: a new one there would lose the chain our type.
    expect(theirs.sort()).toEqual([
      ...["build", "configureLogging", "constructor", "withAutomaticReconnect", "withHubProtocol"],
      ...["withKeepAliveInterval", "withServerTimeout", "withStatefulReconnect", "withUrl"],
    ]);
    const connection = quiet()
      .withUrl(url, { transport: official.HttpTransportType.LongPolling })
      .withHubProtocol(new MessagePackHubProtocol())
      .withAutomaticReconnect()
      .withServerTimeout(1_000)
      .withKeepAliveInterval(500)
      .withStatefulReconnect({ bufferSize: 1_000 })
      .build();
    expectTypeOf(connection).toEqualTypeOf<ours.HubConnection>();
    expect(connection.serverTimeoutInMilliseconds).toBe(1_000);
    expect(connection.keepAliveIntervalInMilliseconds).toBe(500);
  });

  it("looks like an official connection that was not started", async () => {
    const theirs = new official.HubConnectionBuilder().withUrl(url).build();
    const mine = quiet().withUrl(url).build();
    for (const name of ["state", "connectionId", "baseUrl"] as const) expect(mine[name]).toBe(theirs[name]);
    expect(mine.serverTimeoutInMilliseconds).toBe(theirs.serverTimeoutInMilliseconds);
    expect(mine.keepAliveIntervalInMilliseconds).toBe(theirs.keepAliveIntervalInMilliseconds);
    const words = async (call: Promise<unknown>): Promise<string> => {
      try {
        await call;
        return "resolved";
      } catch (error) {
        return String(error);
      }
    };
    expect(await words(mine.invoke("Echo"))).toBe(await words(theirs.invoke("Echo")));
    expect(await words(mine.send("Echo"))).toBe(await words(theirs.send("Echo")));
    await mine.stop();
    expect(() => (mine.baseUrl = "")).toThrow("The HubConnection url must be a valid url.");
  });
});

describe("what the package relies on in the official client", () => {
  interface Internals {
    httpConnectionOptions: { WebSocket: unknown; EventSource: unknown };
  }

  it("fills in the platform's WebSocket and EventSource when it builds, where they can be replaced", () => {
    const builder = new official.HubConnectionBuilder().withUrl(url);
    builder.build();
    const { httpConnectionOptions } = builder as unknown as Internals;
    expect(typeof httpConnectionOptions.WebSocket).toBe("function");
    expect(typeof httpConnectionOptions.EventSource).toBe("function");
  });

  it("keeps what the builder is told in fields that can be copied", async () => {
    const told = new official.HubConnectionBuilder()
      .withUrl(url, { headers: { a: "b" } })
      .withHubProtocol(new MessagePackHubProtocol())
      .withAutomaticReconnect([5])
      .withServerTimeout(1_000)
      .withKeepAliveInterval(500)
      .withStatefulReconnect({ bufferSize: 9 })
      .configureLogging(official.LogLevel.None);
    const copy = Object.assign(new official.HubConnectionBuilder(), told);
    expect(Object.keys(copy).sort()).toEqual([
      ...["_keepAliveIntervalInMilliseconds", "_serverTimeoutInMilliseconds", "_statefulReconnectBufferSize"],
      ...["httpConnectionOptions", "logger", "protocol", "reconnectPolicy", "url"],
    ]);
    expect(copy).toMatchObject({
      reconnectPolicy: { _retryDelays: [5, null] },
      protocol: { name: "messagepack" },
    });
    const hub = copy.build();
    expect(hub.serverTimeoutInMilliseconds).toBe(1_000);
    expect(hub.keepAliveIntervalInMilliseconds).toBe(500);
    await hub.stop();
  });

  it("keeps the fetch of its default HTTP client where it can be listened to", () => {
    const client = new official.DefaultHttpClient(official.NullLogger.instance);
    expect(client).toHaveProperty("_httpClient._fetchType", expect.any(Function));
  });
});

describe("the builder", () => {
  it("throws what the official one throws without a URL", () => {
    const text = "The 'HubConnectionBuilder.withUrl' method must be called before building the connection.";
    expect(() => new ours.HubConnectionBuilder().build()).toThrow(text);
    expect(() => new ours.HubConnectionBuilder().withUrl("/chat").build()).toThrow("Cannot resolve '/chat'.");
    expect(() => quiet().withAutomaticReconnect().withAutomaticReconnect()).toThrow(/already been set/);
  });

  it("refuses what cannot work behind Azure SignalR, unless the server is self-hosted", () => {
    const skipping = { skipNegotiation: true, transport: official.HttpTransportType.WebSockets };
    expect(() => quiet().withUrl(url, skipping).build()).toThrow(/skipNegotiation .*selfHosted/);
    expect(() => quiet().withUrl(`${url}?hub=a`).build()).toThrow(/without a `hub` parameter/);
    expect(() => quiet().withUrl(`${url}?hub=a&hub=b`).build()).toThrow(/without a `hub` parameter/);
    expect(() => quiet().withUrl("http://127.0.0.1:9/client/?hub=chat").build()).not.toThrow();
    expect(() => quiet().withUrl("http://127.0.0.1:9/client/?hub=chat&hub=b").build()).toThrow();
    const selfHosted = { selfHosted: true };
    expect(() => quiet().withUrl(`${url}?hub=a`, skipping).withResilience(selfHosted).build()).not.toThrow();
  });

  it("warns of a server timeout that a single lost ping would spend", () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    quiet().withUrl(url).withServerTimeout(30_000).build();
    expect(warned).not.toHaveBeenCalled();
    quiet().withUrl(url).withServerTimeout(20_000).build();
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });

  const bad: readonly [string, unknown, RegExp][] = [
    ["something that holds no options", true, /resilience must be an object, or false; got true/],
    ["an unknown option", { conectTimeoutMs: 1 }, /resilience .*connectTimeoutMs.*"conectTimeoutMs"/],
    ["a connect timeout of 5 s", { connectTimeoutMs: 5_000 }, /connectTimeoutMs .*100 to 4999/],
    ["what calls cannot do", { whileDown: "retry" }, /whileDown .*one of fail, wait, queue; got "retry"/],
    ["a timeout of nothing", { invokeTimeoutMs: 0 }, /invokeTimeoutMs .*above 0/],
    [
      "a method's timeout of nothing",
      { invokeTimeoutMs: { A: -1 } },
      /invokeTimeoutMs .*above 0, or Infinity; or one for each/,
    ],
    ["a hook that is none", { rejoin: "join" }, /rejoin must be a function; got "join"/],
    ["a fallback after nothing", { fallback: { afterFailures: 0 } }, /fallback .*1 or more/],
    ["policies that are none", { policies: {} }, /policies .*signalrPolicies/],
    ["a lock without a name", { webLock: "" }, /webLock .*name/],
  ];
  for (const [what, resilience, message] of bad) {
    it(`names option, value and range for ${what}`, () => {
      expect(() => quiet().withResilience(resilience as object)).toThrow(message);
    });
  }

  it("starts from policies that are what policy() makes of them", () => {
    const table = ours.signalrPolicies();
    const start = ours.presets.reconnect.with({
      throttledBackoff: ours.backoff.equal({ baseMs: 5_000, capMs: 30_000 }),
      on: { unknown: "retry" },
    });
    expect(table.lookup("signalr.start")).toEqual(start);
    expect(table.lookup("signalr.reconnect")).toEqual(
      start.with({ on: { "not-found": "retry", auth: { action: "refresh", limit: 5 } } }),
    );
  });

  it("names the operation that a policy is for", () => {
    expect(() => ours.signalrPolicies({ "signalr.starts": {} } as never)).toThrow(
      /signalr\.start, signalr\.reconnect/,
    );
  });
});

describe("the bypass", () => {
  const isOfficial = (connection: official.HubConnection): boolean =>
    !(connection instanceof ours.HubConnection);

  it("gives the official connection with withResilience(false)", () => {
    expect(isOfficial(quiet().withUrl(url).withResilience(false).build())).toBe(true);
  });

  it("gives the official connection to everybody while HOLDFAST_BYPASS is 1", async () => {
    vi.stubEnv("HOLDFAST_BYPASS", "1");
    const connection = quiet().withUrl(url).withAutomaticReconnect([1]).build();
    expect(isOfficial(connection)).toBe(true);
    await connection[Symbol.asyncDispose]();
    vi.stubEnv("HOLDFAST_BYPASS", "");
    expect(isOfficial(quiet().withUrl(url).build())).toBe(false);
  });
});
