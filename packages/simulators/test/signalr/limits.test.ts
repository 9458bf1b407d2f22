import { HttpTransportType } from "@microsoft/signalr";
import { describe, expect, it } from "vitest";
import { signalr, type SignalROptions, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { closed, connected, officialClient } from "./official-client.ts";

const start = (options: SignalROptions = {}): Promise<SignalRSimulator> =>
  signalr({ hubs: ["chat"], ...options });

const statuses = (simulator: SignalRSimulator): (number | undefined)[] =>
  simulator.journal.requests().map(({ status }) => status);

async function negotiate(
  simulator: SignalRSimulator,
  { query = "", token = simulator.service.clientAccess("chat").accessToken } = {},
): Promise<Response> {
  const address = `${simulator.service.origin}/client/negotiate?hub=chat&negotiateVersion=1${query}`;
  return fetch(address, { method: "POST", headers: { authorization: `Bearer ${token}` } });
}

describe("the documented limits", () => {
  it("SR-03 refuses an access token of more than 4 K with 413, where it is made", async () => {
    const identify = () => ({ userId: "ada", claims: { groups: "x".repeat(4_096) } });
    await using simulator = await signalr({ hubs: [{ name: "chat", identify }] });
    await expect(connected(simulator.url("chat"))).rejects.toThrow(
      "AccessToken must not be longer than 4K.: Status code '413'",
    );
  });

  it("SR-05 refuses an access token of more than 4 K with 413, where it is used", async () => {
    await using simulator = await start();
    // The second alone fills more than the 16 K that headers may have: the token is what is wrong all the same.
    for (const chars of [4_096, 20_000]) {
      const claims = { groups: "x".repeat(chars) };
      const { accessToken } = simulator.service.clientAccess("chat", { claims });
      expect((await negotiate(simulator, { token: accessToken })).status).toBe(413);
    }
  });

  it("SR-02 refuses an address of more than 12 K with 414, and SR-06 headers of more than 16 K with 431", async () => {
    await using simulator = await start();
    expect((await negotiate(simulator, { query: `&q=${"x".repeat(12_288)}` })).status).toBe(414);
    const headers = { "x-large": "x".repeat(16_384), authorization: "Bearer x" };
    const address = `${simulator.service.origin}/client/negotiate?hub=chat`;
    expect((await fetch(address, { method: "POST", headers })).status).toBe(431);
  });

  it("SR-15 refuses several hubs with 400, which a client's own query brings about", async () => {
    await using simulator = await start();
    await expect(connected(`${simulator.url("chat")}?hub=other`)).rejects.toThrow("Status code '400'");
    expect(statuses(simulator)).toEqual([200, 400]);
  });

  it("SR-25 refuses the 21st connection of the Free tier with 429, SR-27 server connections included", async () => {
    await using simulator = await start({ service: { tier: "Free", retryAfterSeconds: 7 } });
    const connections = await Promise.all(Array.from({ length: 15 }, () => connected(simulator.url("chat"))));
    expect(simulator.service.connectionCount).toBe(20);
    await expect(connected(simulator.url("chat"))).rejects.toThrow("Status code '429'");
    const refused = await negotiate(simulator);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "7"]);
    await connections[0]!.stop();
    await expect.poll(() => simulator.service.connectionCount).toBe(19);
    connections[0] = await connected(simulator.url("chat"));
    await Promise.all(connections.map((connection) => connection.stop()));
  });

  it("SR-26 lets 1000 connections in for each unit", async () => {
    await using simulator = await start({ service: { units: 2, serverConnections: 1 } });
    expect((await negotiate(simulator)).status).toBe(200);
    await using full = await start({ service: { units: 2, serverConnections: 2_000 } });
    expect((await negotiate(full)).status).toBe(429);
  });

  it("SR-22 answers with 404 when a client connects more than 5 seconds after it negotiated", async () => {
    await using simulator = await start({ clockFactor: 100 });
    const access = simulator.service.clientAccess("chat");
    const answer = (await (await negotiate(simulator, { token: access.accessToken })).json()) as {
      connectionToken: string;
    };
    const address = `${access.url}&id=${answer.connectionToken}`;
    const poll = (): Promise<Response> =>
      fetch(address, { headers: { authorization: `Bearer ${access.accessToken}` } });
    await new Promise((resolve) => setTimeout(resolve, 60));
    const late = await poll();
    expect([late.status, await late.text()]).toEqual([404, "No Connection with that ID"]);
  });

  it("SR-21 answers with 404 when a client skips negotiation", async () => {
    await using simulator = await start();
    const options = { skipNegotiation: true, transport: HttpTransportType.WebSockets };
    await expect(connected(simulator.url("chat"), {}, options)).rejects.toThrow();
    expect(simulator.journal.requests()).toMatchObject([{ server: "app", method: "GET", status: 404 }]);
  });

  it("cuts everybody off when the message quota is spent", async () => {
    await using simulator = await start({ service: { messageQuota: 2 } });
    const connection = await connected(simulator.url("chat"));
    const end = closed(connection);
    for (let index = 0; index < 3; index += 1) simulator.hub("chat").clients.all.send("said", index);
    expect(await end).toMatchObject({
      message: "Server returned an error on close: Message count reaches limit.",
    });
    await expect(connection.start()).rejects.toThrow("Status code '500'");
  });
});

describe("access tokens", () => {
  it.each([
    ["of another key", "nobody-else-knows", "/client/?hub=chat", 60_000],
    ["for another hub", undefined, "/client/?hub=other", 60_000],
    ["that expired", undefined, "/client/?hub=chat", -1_000],
  ])("are refused %s", async (_name, key, path, lifetimeMs) => {
    await using simulator = await start();
    await using other = await start({
      service: { accessKeys: [key ?? "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"] },
    });
    const hub = new URL(path, "http://h").searchParams.get("hub") ?? "";
    const { accessToken } = other.service.clientAccess(hub, { lifetimeMs });
    expect((await negotiate(simulator, { token: accessToken })).status).toBe(401);
  });

  it("are taken when the second key signed them", async () => {
    await using one = await start({ service: { accessKeys: ["second"] } });
    await using simulator = await start({ service: { accessKeys: ["first", "second"] } });
    const { accessToken } = one.service.clientAccess("chat");
    expect((await negotiate(simulator, { token: accessToken })).status).toBe(200);
  });

  it("SR-16 do not end a WebSocket when they expire, SR-17 but end long polling", async () => {
    await using simulator = await start({ service: { tokenLifetimeMs: 3_000 } });
    const webSocket = await connected(simulator.url("chat"));
    const polling = await connected(simulator.url("chat"), { transport: "LongPolling" });
    const end = closed(polling);
    await expect.poll(() => Date.now() > expiry(simulator)).toBe(true);
    // A message ends the poll that was let in before; the next one is refused.
    simulator.hub("chat").clients.all.send("said");
    expect(await end).toMatchObject({ message: expect.stringContaining("401") });
    expect(webSocket.state).toBe("Connected");
    await webSocket.stop();
  });

  it("leave an event stream open when they expire, and refuse what is sent", async () => {
    await using simulator = await start({ service: { tokenLifetimeMs: 3_000 } });
    const connection = await connected(simulator.url("chat"), { transport: "ServerSentEvents" });
    await expect.poll(() => Date.now() > expiry(simulator)).toBe(true);
    await expect(connection.invoke("Echo")).rejects.toThrow("401");
    expect(connection.state).toBe("Connected");
    await connection.stop();
  });

  it("end connections with allowReconnect when the service is told to close on expiry", async () => {
    await using simulator = await start({ service: { tokenLifetimeMs: 3_000, closeOnExpiry: true } });
    const connection = officialClient(simulator.url("chat"), {}, {}, (b) => b.withAutomaticReconnect([0, 0]));
    await connection.start();
    await new Promise<void>((resolve) => {
      connection.onreconnected(() => {
        resolve();
      });
    });
    const [first] = simulator.journal.connections();
    expect(first).toMatchObject({ endedBy: "server" });
    await connection.stop();
  });

  it("carry the caller's claims, renamed where they would collide", async () => {
    const claims = { name: "Ada", iss: "https://login.example", exp: 1 };
    await using simulator = await signalr({
      hubs: [{ name: "chat", identify: () => ({ userId: "ada", claims }) }],
    });
    simulator.hub("chat").on("Who", (call) => [call.userId, call.claims]);
    const connection = await connected(simulator.url("chat"));
    expect(await connection.invoke("Who")).toEqual(["ada", claims]);
    await connection.stop();
  });
});

/** When every token so far has expired. */
const expiry = (simulator: SignalRSimulator): number =>
  Math.max(...simulator.journal.tokens().map(({ expiresAt }) => expiresAt));

describe("options", () => {
  it.each([
    [{ hubs: ["1chat"] }, /hubs\[\]\.name must begin with a letter .* got "1chat"/],
    [{ hubs: ["chat", "CHAT"] }, /hubs\[\]\.name must be unique, got "CHAT" twice/],
    [{ hubs: [{ name: "chat", path: "chat/" }] }, /a path must begin with "\/" .* got "chat\/"/],
    [{ port: 70_000 }, /port must be between 0 and 65535, got 70000/],
    [{ keepAliveMs: 0 }, /keepAliveMs must be at least 1, got 0/],
    [{ clockFactor: 0 }, /clockFactor must be at least 0.001, got 0/],
    [{ service: { units: 0 } }, /service.units must be between 1 and 100, got 0/],
    [{ service: { accessKeys: [] } }, /service.accessKeys must be one or more keys/],
    [{ seed: 1.5 }, /seed must be an integer, got 1.5/],
  ] satisfies [SignalROptions, RegExp][])("refuses %j", async (options, message) => {
    await expect(signalr(options)).rejects.toThrow(message);
  });
});
