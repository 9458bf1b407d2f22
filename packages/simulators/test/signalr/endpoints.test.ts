import { createHmac } from "node:crypto";
import { connect } from "node:tls";
import { Agent, request } from "node:https";
import { HttpTransportType } from "@microsoft/signalr";
import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { signalr } from "@holdfast/simulators/signalr";
import { connected, wires } from "./official-client.ts";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function bearer(key: string, claims: object): string {
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ exp: Date.now() / 1_000 + 60, ...claims })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

describe("an endpoint of the app server", () => {
  it("negotiates as versions 0 and 1 say", async () => {
    await using simulator = await signalr({
      hubs: [{ name: "chat", hosting: "self", transports: ["LongPolling"] }],
    });
    const negotiate = async (query: string): Promise<Record<string, unknown>> => {
      const answer = await fetch(`${simulator.url("chat")}/negotiate${query}`, { method: "POST" });
      return (await answer.json()) as Record<string, unknown>;
    };
    const availableTransports = [{ transport: "LongPolling", transferFormats: ["Text", "Binary"] }];
    expect(await negotiate("")).toEqual({
      negotiateVersion: 0,
      connectionId: expect.any(String),
      availableTransports,
    });
    const one = await negotiate("?negotiateVersion=1");
    expect(one).toEqual({
      negotiateVersion: 1,
      connectionId: expect.any(String),
      connectionToken: expect.any(String),
      availableTransports,
    });
    expect(one["connectionToken"]).not.toBe(one["connectionId"]);
    expect(await negotiate("?negotiateVersion=9")).toMatchObject({ negotiateVersion: 1 });
  });

  it.each(wires)("has transports of its own: $transport only, with $protocol", async (wire) => {
    await using simulator = await signalr({ hubs: [{ name: "chat", hosting: "self" }] });
    const hub = simulator.hub("chat").on("Transport", (call) => call.transport);
    simulator.app.mapHub("/only", hub, { hosting: "self", transports: [wire.transport] });
    const connection = await connected(
      `${simulator.app.origin}/only`,
      { protocol: wire.protocol },
      { transport: HttpTransportType.None },
    );
    expect(await connection.invoke("Transport")).toBe(wire.transport);
    await connection.stop();
    const others = wires.filter(({ transport }) => transport !== wire.transport);
    for (const other of others) {
      await expect(connected(`${simulator.app.origin}/only`, other)).rejects.toThrow();
    }
  });

  it("has an authorization of its own, per method too", async () => {
    const authorization = { key: "secret", issuer: "tests", audience: "chat" };
    await using simulator = await signalr({ hubs: [{ name: "chat", hosting: "self", authorization }] });
    simulator
      .hub("chat")
      .on("Who", (call) => call.userId)
      .on("Rule", () => "ruled", { authorize: (call) => call.claims["role"] === "admin" });
    const url = simulator.url("chat");
    const claims = { nameid: "ada", iss: "tests", aud: "chat" };
    const withToken = (token: string) => ({ accessTokenFactory: () => token });
    await expect(connected(url)).rejects.toThrow("401");
    for (const token of [
      bearer("other", claims),
      bearer("secret", { ...claims, iss: "x" }),
      bearer("secret", { ...claims, aud: "x" }),
      bearer("secret", { ...claims, exp: 1 }),
    ]) {
      await expect(connected(url, {}, withToken(token))).rejects.toThrow("401");
    }
    for (const wire of wires) {
      const connection = await connected(url, wire, withToken(bearer("secret", claims)));
      expect(await connection.invoke("Who")).toBe("ada");
      await expect(connection.invoke("Rule")).rejects.toThrow(
        "Failed to invoke 'Rule' because user is unauthorized",
      );
      await connection.stop();
    }
    const admin = await connected(url, {}, withToken(bearer("secret", { ...claims, role: "admin" })));
    expect(await admin.invoke("Rule")).toBe("ruled");
    await admin.stop();
  });

  it("lets a WebSocket skip negotiation where the app server serves the hub itself", async () => {
    await using simulator = await signalr({ hubs: [{ name: "chat", hosting: "self" }] });
    simulator.hub("chat").on("Echo", (_call, value: unknown) => value);
    const options = { skipNegotiation: true, transport: HttpTransportType.WebSockets };
    const connection = await connected(simulator.url("chat"), {}, options);
    expect(await connection.invoke("Echo", 1)).toBe(1);
    expect(simulator.journal.negotiates()).toEqual([]);
    await connection.stop();
  });

  it("sends raw data back, over every transport", async () => {
    await using simulator = await signalr();
    simulator.app.mapRaw("/echo");
    const url = `${simulator.app.origin}/echo`;
    const negotiate = async (): Promise<string> => {
      const answer = await fetch(`${url}/negotiate?negotiateVersion=1`, { method: "POST" });
      return `${url}?id=${((await answer.json()) as { connectionToken: string }).connectionToken}`;
    };
    const webSocket = new WebSocket((await negotiate()).replace("http", "ws"));
    const echoed = await new Promise((resolve) => {
      const got: unknown[] = [];
      webSocket.on("open", () => {
        webSocket.send("text");
        webSocket.send(Buffer.from([0, 255]));
      });
      webSocket.on("message", (data: Buffer, binary) => {
        if (got.push(binary ? [...data] : data.toString()) === 2) resolve(got);
      });
    });
    expect(echoed).toEqual(["text", [0, 255]]);
    webSocket.close();
    const polled = await negotiate();
    expect((await fetch(polled)).status).toBe(200);
    await fetch(polled, { method: "POST", body: "polled" });
    expect(await (await fetch(polled)).text()).toBe("polled");
    expect((await fetch(polled, { method: "DELETE" })).status).toBe(202);
    expect((await fetch(polled)).status).toBe(404);
    const streamed = await negotiate();
    const events = (await fetch(streamed, { headers: { accept: "text/event-stream" } })).body!.getReader();
    await events.read();
    await fetch(streamed, { method: "POST", body: "one\ntwo" });
    expect(Buffer.from((await events.read()).value).toString()).toBe("data: one\r\ndata: two\r\n\r\n");
    await events.cancel();
  });

  it("ends long polling with 204, once everything has been said", async () => {
    await using simulator = await signalr();
    simulator.app.mapRaw("/once", {}, (connection) => {
      connection.onReceive((data) => {
        connection.send(data.toString());
        connection.close();
      });
    });
    const url = `${simulator.app.origin}/once`;
    const answer = await fetch(`${url}/negotiate?negotiateVersion=1`, { method: "POST" });
    const address = `${url}?id=${((await answer.json()) as { connectionToken: string }).connectionToken}`;
    await fetch(address);
    await fetch(address, { method: "POST", body: "last" });
    expect(await (await fetch(address)).text()).toBe("last");
    expect((await fetch(address)).status).toBe(204);
  });

  it.each([
    ["GET", "", {}, 400, "Connection ID required"],
    ["GET", "?id=unknown", {}, 404, "No Connection with that ID"],
    ["POST", "?id=unknown", {}, 404, "No Connection with that ID"],
    ["DELETE", "?id=unknown", {}, 404, "No Connection with that ID"],
    ["PUT", "?id=unknown", {}, 405, ""],
    ["GET", "?id=unknown", { accept: "text/event-stream" }, 404, "No Connection with that ID"],
  ])("answers %s %s %j with %i", async (method, query, headers, status, text) => {
    await using simulator = await signalr();
    simulator.app.mapRaw("/echo");
    const answer = await fetch(`${simulator.app.origin}/echo${query}`, { method, headers });
    expect([answer.status, await answer.text()]).toEqual([status, text]);
  });

  it("answers routes of one's own", async () => {
    await using simulator = await signalr();
    simulator.app.route("GET", "/token", (request) => ({ body: `for ${request.query.get("user") ?? "?"}` }));
    simulator.app.route("*", "/bad", () => ({ status: 400, body: "Some response from server" }));
    expect(await (await fetch(`${simulator.app.origin}/token?user=ada`)).text()).toBe("for ada");
    await expect(connected(`${simulator.app.origin}/bad`)).rejects.toThrow(
      "Some response from server: Status code '400'",
    );
  });

  it("sets the cookies of a load balancer, which the official client brings back", async () => {
    await using simulator = await signalr({ hubs: ["chat"], cookies: { ARRAffinity: "instance1" } });
    const connection = await connected(simulator.url("chat"));
    await connection.stop();
    await connection.start();
    await connection.stop();
    expect(simulator.journal.negotiates("app").map(({ cookies }) => cookies)).toEqual([
      undefined,
      "ARRAffinity=instance1",
    ]);
  });

  it("lets scripts of other origins call, or only those it knows", async () => {
    await using open = await signalr({ hubs: ["chat"], exposedHeaders: ["Retry-After"] });
    await using closed = await signalr({ hubs: ["chat"], cors: ["https://known.example"] });
    const preflight = async (url: string): Promise<Response> =>
      fetch(`${url}/negotiate`, {
        method: "OPTIONS",
        headers: {
          origin: "https://app.example",
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,x-requested-with",
        },
      });
    const allowed = await preflight(open.url("chat"));
    expect(allowed.status).toBe(204);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "authorization,x-requested-with",
      "access-control-expose-headers": "Retry-After",
    });
    expect((await preflight(closed.url("chat"))).headers.get("access-control-allow-origin")).toBeNull();
  });

  it("serves HTTPS, and sends clients to the service over HTTPS", async () => {
    await using simulator = await signalr({ hubs: ["chat"], tls: true });
    const answer = await new Promise<{ url: string }>((resolve, reject) => {
      const agent = new Agent({ ca: simulator.ca });
      request(
        `${simulator.url("chat", { secure: true })}/negotiate`,
        { method: "POST", agent },
        (response) => {
          response.on("data", (data: Buffer) => {
            resolve(JSON.parse(data.toString()) as { url: string });
          });
        },
      )
        .on("error", reject)
        .end();
    });
    expect(new URL(answer.url).origin).toBe(simulator.service.secureOrigin);
  });

  it.each([
    [{ maxVersion: "TLSv1.1" }, "refused"],
    [{ maxVersion: "TLSv1.2" }, "TLSv1.2"],
    [{ minVersion: "TLSv1.3" }, "TLSv1.3"],
  ] as const)(
    "SR-13 speaks the versions of TLS that it is told to: %j, a client of today gets %s",
    async (tls, spoken) => {
      await using simulator = await signalr({ tls });
      const { port } = new URL(simulator.service.secureOrigin ?? "");
      const outcome = await new Promise((resolve) => {
        const socket = connect({ port: Number(port), host: "localhost", ca: simulator.ca }, () => {
          resolve(socket.getProtocol());
          socket.destroy();
        }).on("error", () => resolve("refused"));
      });
      expect(outcome).toBe(spoken);
    },
  );
});
