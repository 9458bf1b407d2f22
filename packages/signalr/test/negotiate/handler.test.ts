import { HubConnectionBuilder, LogLevel, type HubConnection } from "@microsoft/signalr";
import { describe, expect, it } from "vitest";
import { answer, signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import {
  createNegotiateHandler,
  toFastifyHandler,
  toFunctionsHandler,
  toNodeHandler,
  type NegotiateHandlerOptions,
  type NegotiateReport,
} from "@holdfast/signalr/negotiate";
import { appServer } from "./app-server.ts";

/** A user of a large company: 40 claims, 12 KB. */
const identity: Readonly<Record<string, unknown>> = {
  name: "Ada",
  role: ["admin", "author"],
  groups: Array.from(
    { length: 200 },
    (_each, index) => `00000000-0000-0000-0000-${String(index).padStart(12, "0")}`,
  ),
  ...Object.fromEntries(
    Array.from({ length: 37 }, (_each, index) => [`claim${String(index)}`, "x".repeat(100)]),
  ),
};

const serverless = (): Promise<SignalRSimulator> =>
  signalr({ hubs: ["chat"], service: { mode: "serverless" } });

const ask = (url = "https://app.example/chat/negotiate"): Request => new Request(url, { method: "POST" });

const claimsIn = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

interface Accepted {
  readonly url: string;
  readonly accessToken: string;
}

async function accepted(options: NegotiateHandlerOptions, request = ask()): Promise<Accepted> {
  const response = await createNegotiateHandler(options)(request);
  expect(response.status).toBe(200);
  return (await response.json()) as Accepted;
}

function client(url: string): HubConnection {
  return new HubConnectionBuilder().configureLogging(LogLevel.None).withUrl(url).build();
}

describe("createNegotiateHandler", () => {
  it("makes of 40 claims and 12 KB a token of at most 4096 bytes with the allowed ones, and the client connects", async () => {
    await using service = await serverless();
    expect(JSON.stringify(identity).length).toBeGreaterThan(12_000);
    expect(Object.keys(identity)).toHaveLength(40);
    const reports: NegotiateReport[] = [];
    const negotiate = createNegotiateHandler({
      connectionString: service.service.connectionString,
      hub: "chat",
      userId: "ada",
      claims: () => identity,
      trimClaims: { allow: ["name", "role"] },
      onNegotiated: (report) => reports.push(report),
    });
    const { accessToken, url } = (await (await negotiate(ask())).json()) as Accepted;
    expect(accessToken.length).toBeLessThanOrEqual(4_096);
    expect(`${url}&id=${"x".repeat(22)}&access_token=${accessToken}`.length).toBeLessThanOrEqual(12_288);
    expect(Object.keys(claimsIn(accessToken)).sort()).toEqual(
      ["aud", "exp", "iat", "name", "nameid", "nbf", "role"].sort(),
    );
    expect(reports).toEqual([{ status: 200, tokenChars: accessToken.length, dropped: expect.any(Array) }]);
    expect(reports[0]!.dropped).toHaveLength(38);
    await using app = await appServer(
      (request, response) => void toNodeHandler(negotiate)(request, response),
    );
    const connection = client(`${app.origin}/chat`);
    await connection.start();
    expect(service.journal.alive("chat")).toMatchObject([{ userId: "ada" }]);
    await connection.stop();
  });

  it("answers with 413 and names the claims when those that must stay are too many", async () => {
    await using service = await serverless();
    const negotiate = createNegotiateHandler({
      connectionString: service.service.connectionString,
      hub: "chat",
      claims: () => ({ ...identity, notes: "n".repeat(900), secret: "s".repeat(5_000) }),
      trimClaims: { allow: ["secret", "notes", "name"], greedy: true, required: ["secret", "notes"] },
    });
    const response = await negotiate(ask());
    expect(response.status).toBe(413);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      error: "AccessToken must not be longer than 4K.",
      size: expect.any(Number),
      limit: 4_096,
      largestClaims: [
        { name: "secret", bytes: expect.any(Number) },
        { name: "notes", bytes: expect.any(Number) },
      ],
    });
    expect(text).not.toContain("sss");
    await using app = await appServer(
      (request, answered) => void toNodeHandler(negotiate)(request, answered),
    );
    await expect(client(`${app.origin}/chat`).start()).rejects.toThrow(
      /must not be longer than 4K.*Status code '413'/,
    );
  });

  it("SR-05 lets 4096 characters pass and refuses 4097, as the service does", async () => {
    await using service = await serverless();
    const statusOf = async (padding: number): Promise<[number, number]> => {
      let chars = 0;
      const negotiate = createNegotiateHandler({
        connectionString: service.service.connectionString,
        hub: "chat",
        claims: () => ({ padding: "p".repeat(padding) }),
        onNegotiated: (report) => (chars = report.tokenChars),
      });
      return [chars, (await negotiate(ask())).status].reverse() as [number, number];
    };
    let padding = 2_000;
    // Grow until the first refusal; each step is at most two characters.
    while ((await statusOf(padding))[0] === 200) padding += padding < 2_700 ? 100 : 1;
    const options = { connectionString: service.service.connectionString, hub: "chat" };
    const largest = await accepted({ ...options, claims: () => ({ padding: "p".repeat(padding - 1) }) });
    expect(largest.accessToken.length).toBeGreaterThan(4_093);
    expect(largest.accessToken.length).toBeLessThanOrEqual(4_096);
    const connected = await fetch(largest.url.replace("/client/", "/client/negotiate"), {
      method: "POST",
      headers: { authorization: `Bearer ${largest.accessToken}` },
    });
    expect(connected.status).toBe(200);
  });

  it("drops the largest claims first when it may, and says which", async () => {
    const reports: NegotiateReport[] = [];
    const { accessToken } = await accepted({
      connectionString: "Endpoint=https://contoso.service.signalr.net;AccessKey=k",
      hub: "chat",
      claims: () => identity,
      trimClaims: { allow: Object.keys(identity), greedy: true, required: ["role"] },
      onNegotiated: (report) => reports.push(report),
    });
    expect(accessToken.length).toBeLessThanOrEqual(4_096);
    expect(claimsIn(accessToken)).toMatchObject({ role: ["admin", "author"], name: "Ada" });
    expect(reports[0]!.dropped[0]).toMatchObject({ name: "groups", because: "too-large" });
  });

  it("SR-09 puts in what the provider returns and nothing else, SR-08 and without one only the user's id", async () => {
    const options = {
      connectionString: "Endpoint=https://contoso.service.signalr.net;AccessKey=k",
      hub: "Chat",
    };
    const own = ["aud", "exp", "iat", "nbf"];
    const provided = await accepted({ ...options, claims: () => ({ name: "Ada" }) });
    expect(Object.keys(claimsIn(provided.accessToken)).sort()).toEqual([...own, "name"].sort());
    const bare = await accepted({ ...options, userId: "ada" });
    const claims = claimsIn(bare.accessToken);
    expect(Object.keys(claims).sort()).toEqual([...own, "nameid"].sort());
    expect(claims["aud"]).toBe("https://contoso.service.signalr.net/client/?hub=chat");
    expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(3_600);
  });

  it("renames claims that would collide, and lets no claim speak for the service", async () => {
    await using service = await signalr({ hubs: ["chat"] });
    service.hub("chat").on("Who", (call) => [call.userId, call.claims]);
    const given = { name: "Ada", iss: "https://login.example", exp: 1, aud: "api", "asrs.s.uid": "root" };
    const reports: NegotiateReport[] = [];
    const options: NegotiateHandlerOptions = {
      connectionString: service.service.connectionString,
      hub: "chat",
      userId: "ada",
      claims: () => given,
      onNegotiated: (report) => reports.push(report),
    };
    const { accessToken } = await accepted(options);
    expect(claimsIn(accessToken)).toMatchObject({
      "asrs.u.iss": given.iss,
      "asrs.u.exp": 1,
      "asrs.u.aud": "api",
    });
    expect(reports[0]!.dropped).toMatchObject([{ name: "asrs.s.uid", because: "reserved" }]);
    const handler = toNodeHandler(createNegotiateHandler(options));
    await using app = await appServer((request, response) => void handler(request, response));
    const connection = client(`${app.origin}/chat`);
    await connection.start();
    const { "asrs.s.uid": _reserved, ...own } = given;
    expect(await connection.invoke("Who")).toEqual(["ada", { nameid: "ada", ...own }]);
    await connection.stop();
  });

  it("SR-15 passes the client's query on without a second hub, tokens and what belongs to negotiating", async () => {
    await using service = await serverless();
    const options = { connectionString: service.service.connectionString, hub: "chat" };
    const query = "?hub=other&HUB=x&room=1&room=2&negotiateVersion=1&access_token=secret&code=secret&id=1";
    const { url } = await accepted(options, ask(`https://app.example/chat/negotiate${query}`));
    expect(url).toBe(`${service.service.origin}/client/?hub=chat&room=1&room=2`);
    const handler = toNodeHandler(createNegotiateHandler(options));
    await using app = await appServer((request, response) => void handler(request, response));
    const connection = client(`${app.origin}/chat?hub=other&room=1`);
    await connection.start();
    await connection.stop();
  });

  it("answers with 414 when the address would be too long", async () => {
    const negotiate = createNegotiateHandler({
      connectionString: "Endpoint=https://contoso.service.signalr.net;AccessKey=k",
      hub: "chat",
    });
    const response = await negotiate(ask(`https://app.example/chat/negotiate?q=${"x".repeat(12_000)}`));
    expect([response.status, await response.json()]).toEqual([
      414,
      expect.objectContaining({ error: "URI Too Long", limit: 12_288 }),
    ]);
  });

  it("lets the service make the token for a credential, repeated when the service is busy", async () => {
    await using service = await serverless();
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { aud: "https://signalr.azure.com", exp: Date.now() / 1_000 + 3_600 };
    let asked = 0;
    const credential = {
      getToken: async () => {
        asked += 1;
        const token = `${part({ alg: "RS256" })}.${part(claims)}.signature`;
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    service.faults.next("rest", answer(503));
    const handler = toNodeHandler(
      createNegotiateHandler({ endpoint: service.service.origin, credential, hub: "chat", userId: "ada" }),
    );
    await using app = await appServer((request, response) => void handler(request, response));
    for (const _turn of [1, 2]) {
      const connection = client(`${app.origin}/chat`);
      await connection.start();
      expect(service.journal.alive("chat")).toMatchObject([{ userId: "ada" }]);
      await connection.stop();
      await expect.poll(() => service.journal.alive()).toEqual([]);
    }
    expect(asked).toBe(1);
    expect(
      service.journal
        .requests()
        .filter(({ step }) => step === "rest")
        .map(({ status }) => status),
    ).toEqual([503, 200, 200]);
  });

  it("tells a client to wait when the service is throttling, and nothing of what failed otherwise", async () => {
    await using service = await serverless();
    const credential = {
      getToken: async () => ({
        token: `x.${Buffer.from("{}").toString("base64url")}.y`,
        expiresOnTimestamp: Date.now() + 3_600_000,
      }),
    };
    const negotiate = createNegotiateHandler({
      ...{ endpoint: service.service.origin, credential, hub: "chat" },
      resilience: { policy: { attempts: 1 } },
    });
    service.faults.next("rest", answer(429, { retryAfterSeconds: 7 }));
    const throttled = await negotiate(ask());
    expect([throttled.status, throttled.headers.get("retry-after")]).toEqual([429, "7"]);
    service.faults.next("rest", answer(500, { body: "secret detail" }));
    const failed = await negotiate(ask());
    expect([failed.status, await failed.text()]).toEqual([503, "Azure SignalR Service cannot be reached."]);
  });

  it("refuses whom the application refuses, and other methods than POST", async () => {
    const negotiate = createNegotiateHandler({
      connectionString: "Endpoint=https://contoso.service.signalr.net;AccessKey=k",
      hub: "chat",
      userId: (request) => {
        const user = request.headers.get("x-user");
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        if (user === null) throw new Response("who are you?", { status: 401 });
        return user;
      },
    });
    const refused = await negotiate(ask());
    expect([refused.status, await refused.text()]).toEqual([401, "who are you?"]);
    const got = await negotiate(new Request("https://app.example/chat/negotiate"));
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it.each([
    [{ hub: "chat" }, /connectionString must be given, or endpoint and credential/],
    [{ hub: "chat", endpoint: "https://c.example" }, /credential must be given when there is no AccessKey/],
    [
      { hub: "1", connectionString: "Endpoint=https://c.example;AccessKey=k" },
      /hub must be a letter and .*; got "1"/,
    ],
    [
      {
        hub: "chat",
        endpoint: "https://c.example",
        credential: { getToken: async () => null },
        claims: () => ({}),
      },
      /claims must be left out without an AccessKey/,
    ],
    [
      { hub: "chat", connectionString: "Endpoint=https://c.example;AccessKey=k", tokenLifetimeMs: 0 },
      /tokenLifetimeMs must be above 0 and up to 86400000; got 0/,
    ],
    [
      {
        hub: "chat",
        connectionString: "Endpoint=https://c.example;AccessKey=k",
        trimClaims: { allow: [], required: ["x"] },
      },
      /trimClaims.required must be among trimClaims.allow; got "x"/,
    ],
  ] satisfies [NegotiateHandlerOptions, RegExp][])("refuses the options %j", (options, message) => {
    expect(() => createNegotiateHandler(options)).toThrow(message);
  });
});

describe("the adapters", () => {
  const negotiate = createNegotiateHandler({
    connectionString: "Endpoint=https://contoso.service.signalr.net;AccessKey=k",
    hub: "chat",
    userId: (request) => {
      const user = request.headers.get("x-user");
      if (user === "broken") throw new TypeError("broken");
      return user ?? undefined;
    },
  });
  const headers = { host: "app.example", "x-user": "ada", ":path": "/" };
  const userIn = (body: string): unknown => claimsIn((JSON.parse(body) as Accepted).accessToken)["nameid"];

  it("serve Express, and hand it what went wrong", async () => {
    const written = { statusCode: 0, headers: {} as Record<string, string>, body: "" };
    const response = {
      ...written,
      setHeader: (name: string, value: string) => (written.headers[name] = value),
      end: (body: string) => (written.body = body),
    };
    const express = toNodeHandler(negotiate);
    await express(
      { method: "POST", url: "/negotiate", originalUrl: "/chat/negotiate?room=1", headers },
      response,
    );
    expect([response.statusCode, userIn(written.body)]).toEqual([200, "ada"]);
    expect(written.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
    });
    expect((JSON.parse(written.body) as Accepted).url).toContain("&room=1");
    const errors: unknown[] = [];
    const broken = { method: "POST", url: "/", headers: { "x-user": "broken" } };
    await express(broken, response, (error) => errors.push(error));
    expect(errors).toEqual([new TypeError("broken")]);
    await express(broken, response);
    expect(response.statusCode).toBe(500);
  });

  it("serve Fastify", async () => {
    const written: unknown[] = [];
    const reply = {
      code: (status: number) => written.push(status),
      header: () => undefined,
      send: (body: string) => written.push(userIn(body)),
    };
    await toFastifyHandler(negotiate)({ method: "POST", url: "/chat/negotiate", headers }, reply);
    expect(written).toEqual([200, "ada"]);
  });

  it("serve Azure Functions", async () => {
    const request = new Request("https://functions.example/api/negotiate", {
      method: "POST",
      headers: { "x-user": "ada" },
    });
    const answered = await toFunctionsHandler(negotiate)(request);
    expect([answered.status, userIn(answered.body)]).toEqual([200, "ada"]);
    expect(answered.headers["content-type"]).toBe("application/json");
  });
});
