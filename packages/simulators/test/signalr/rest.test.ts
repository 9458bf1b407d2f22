import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { answer, signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { called, closed, connected } from "./official-client.ts";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token as the REST reference describes it. */
function token(simulator: SignalRSimulator, audience: string, alg = "HS256"): string {
  const key = /AccessKey=([^;]+)/.exec(simulator.service.connectionString)?.[1] ?? "";
  const signed = `${part({ alg, typ: "JWT" })}.${part({ aud: audience, exp: Date.now() / 1_000 + 60 })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

async function rest(
  simulator: SignalRSimulator,
  method: string,
  path: string,
  body?: unknown,
  audience = simulator.service.origin + path.replace(/\?.*/, ""),
): Promise<Response> {
  return fetch(simulator.service.origin + path, {
    method,
    headers: { authorization: `Bearer ${token(simulator, audience)}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const start = (): Promise<SignalRSimulator> =>
  signalr({
    hubs: [{ name: "chat", identify: ({ query }) => ({ userId: query.get("user") ?? "" }) }],
    service: { mode: "serverless" },
  });

const said = (text: string) => ({ target: "said", arguments: [text] });

describe("the REST API", () => {
  it.each([
    ["/api/hubs/chat/:send", "/api/hubs/chat/users/ada/:send", "/api/hubs/chat/groups/night/:send"],
    ["/api/v1/hubs/chat", "/api/v1/hubs/chat/users/ada", "/api/v1/hubs/chat/groups/night"],
  ])("sends to everybody, a user and a group (%s)", async (all, user, group) => {
    await using simulator = await start();
    const [ada, bob] = await Promise.all(
      ["ada", "bob"].map((name) => connected(`${simulator.url("chat")}?user=${name}`)),
    );
    const heard = { ada: [] as unknown[], bob: [] as unknown[] };
    ada!.on("said", (text) => heard.ada.push(text));
    bob!.on("said", (text) => heard.bob.push(text));
    expect((await rest(simulator, "POST", all, said("all"))).status).toBe(202);
    await rest(simulator, "POST", `${all}?excluded=${bob!.connectionId!}`, said("not bob"));
    await rest(simulator, "POST", user, said("ada"));
    const member = group.replace(/\/:send/, "") + `/connections/${bob!.connectionId!}`;
    expect((await rest(simulator, "PUT", member)).status).toBe(200);
    await rest(simulator, "POST", group, said("night"));
    expect((await rest(simulator, "DELETE", member)).status).toBe(200);
    await rest(simulator, "POST", group, said("nobody"));
    await rest(simulator, "POST", all, said("end"));
    await expect
      .poll(() => heard)
      .toEqual({ ada: ["all", "not bob", "ada", "end"], bob: ["all", "night", "end"] });
    await Promise.all([ada!.stop(), bob!.stop()]);
  });

  it("sends to one connection, finds and closes it", async () => {
    await using simulator = await start();
    const connection = await connected(`${simulator.url("chat")}?user=ada`);
    const path = `/api/hubs/chat/connections/${connection.connectionId!}`;
    const heard = called(connection, "said");
    await rest(simulator, "POST", `${path}/:send`, said("you"));
    expect(await heard).toEqual(["you"]);
    expect((await rest(simulator, "HEAD", path)).status).toBe(200);
    expect((await rest(simulator, "HEAD", "/api/hubs/chat/users/ada")).status).toBe(200);
    expect((await rest(simulator, "HEAD", "/api/hubs/chat/users/bob")).status).toBe(404);
    const end = closed(connection);
    expect((await rest(simulator, "DELETE", `${path}?reason=bye`)).status).toBe(200);
    expect(await end).toMatchObject({ message: "Server returned an error on close: bye" });
    expect((await rest(simulator, "HEAD", path)).status).toBe(404);
  });

  it("puts users into groups, connections that come later included", async () => {
    await using simulator = await start();
    const path = "/api/hubs/chat/users/ada/groups/night";
    expect((await rest(simulator, "HEAD", path)).status).toBe(404);
    expect((await rest(simulator, "PUT", path)).status).toBe(200);
    expect((await rest(simulator, "HEAD", path)).status).toBe(200);
    const connection = await connected(`${simulator.url("chat")}?user=ada`);
    const heard = called(connection, "said");
    await rest(simulator, "POST", "/api/hubs/chat/groups/night/:send", said("night"));
    expect(await heard).toEqual(["night"]);
    await rest(simulator, "DELETE", path);
    expect((await rest(simulator, "HEAD", path)).status).toBe(404);
    await connection.stop();
  });

  it("makes tokens for clients", async () => {
    await using simulator = await start();
    const path = "/api/hubs/chat/:generateToken?userId=ada&minutesToExpire=5";
    const answered = (await (await rest(simulator, "POST", path)).json()) as { token: string };
    const address = `${simulator.service.origin}/client/negotiate?hub=chat&negotiateVersion=1`;
    const headers = { authorization: `Bearer ${answered.token}` };
    expect((await fetch(address, { method: "POST", headers })).status).toBe(200);
    expect(simulator.journal.tokens()).toMatchObject([{ issuer: "generate-token", userId: "ada" }]);
  });

  it("asks for a token with its own address as audience, or one of Microsoft Entra ID", async () => {
    await using simulator = await start();
    const path = "/api/hubs/chat/:send";
    expect((await fetch(simulator.service.origin + path, { method: "POST" })).status).toBe(401);
    const other = `${simulator.service.origin}/api/hubs/other/:send`;
    expect((await rest(simulator, "POST", path, said("x"), other)).status).toBe(401);
    const entra = token(simulator, "https://signalr.azure.com", "RS256");
    const headers = { authorization: `Bearer ${entra}` };
    const sent = await fetch(simulator.service.origin + path, {
      method: "POST",
      headers,
      body: JSON.stringify(said("x")),
    });
    expect(sent.status).toBe(202);
  });

  it.each([
    ["POST", "/api/hubs/chat/:send", "no json", 400],
    ["POST", "/api/hubs/chat/:send", { arguments: [] }, 400],
    ["POST", "/api/hubs/nowhere/:send", said("x"), 404],
    ["POST", `/api/hubs/chat/groups/${"g".repeat(1_025)}/:send`, said("x"), 400],
    ["POST", "/api/hubs/chat/:send", said("x".repeat(1_048_576)), 413],
    ["PATCH", "/api/hubs/chat/whatever", undefined, 404],
  ])("answers %s %s with %j", async (method, path, body, status) => {
    await using simulator = await start();
    expect((await rest(simulator, method, path, body)).status).toBe(status);
  });

  it("is healthy, and follows the script", async () => {
    await using simulator = await start();
    expect((await fetch(`${simulator.service.origin}/api/health`, { method: "HEAD" })).status).toBe(200);
    simulator.faults.next("rest", answer(503, { retryAfterSeconds: 1 }), { entity: "chat" });
    const refused = await rest(simulator, "POST", "/api/hubs/chat/:send", said("x"));
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await rest(simulator, "POST", "/api/hubs/chat/:send", said("x"))).status).toBe(202);
  });

  it("disconnects a client that sends to a serverless hub", async () => {
    await using simulator = await start();
    const connection = await connected(`${simulator.url("chat")}?user=ada`);
    const end = closed(connection);
    await connection.send("Echo", 1);
    expect(await end).toMatchObject({
      message: "Server returned an error on close: Connection closed with an error.",
    });
  });

  it("says what is not there by the codes that the management SDKs look for", async () => {
    await using simulator = await start();
    const code = async (method: string, path: string): Promise<unknown> => {
      const { status, headers } = await rest(simulator, method, `/api/hubs/chat/${path}`);
      return [status, headers.get("x-ms-error-code")];
    };
    expect(await code("HEAD", "connections/none")).toEqual([404, "Warning.Connection.NotExisted"]);
    expect(await code("DELETE", "connections/none")).toEqual([404, "Warning.Connection.NotExisted"]);
    expect(await code("HEAD", "users/none")).toEqual([404, "Warning.User.NotExisted"]);
    expect(await code("HEAD", "groups/none")).toEqual([404, "Warning.Group.NotExisted"]);
    expect(await code("PUT", "groups/g/connections/none")).toEqual([404, "Error.Connection.NotExisted"]);
    expect(await code("GET", "users/u/groups/g")).toEqual([404, "Info.User.NotInGroup"]);
    await code("PUT", "users/u/groups/g");
    expect(await code("GET", "users/u/groups/g")).toEqual([200, null]);
    expect(await code("DELETE", "users/u/groups/g")).toEqual([204, null]);
  });

  it("asks a client for a result (2024-12-01)", async () => {
    await using simulator = await start();
    const connection = await connected(`${simulator.url("chat")}?user=ada`);
    connection.on("add", (a: number, b: number) => a + b);
    const path = `/api/hubs/chat/connections/${connection.connectionId!}/:invoke?api-version=2024-12-01`;
    const added = await rest(simulator, "POST", path, { target: "add", arguments: [1, 2] });
    expect([added.status, await added.json()]).toEqual([200, { result: 3 }]);
    const failed = await rest(simulator, "POST", path, { target: "nothing" });
    expect([failed.status, await failed.json()]).toMatchObject([
      400,
      { message: "Client didn't provide a result." },
    ]);
    const nobody = "/api/hubs/chat/connections/none/:invoke";
    expect((await rest(simulator, "POST", nobody, { target: "add" })).status).toBe(404);
    await connection.stop();
  });

  it("lists the connections of a group, page by page (2024-12-01)", async () => {
    await using simulator = await start();
    const connections = await Promise.all(
      ["ada", "bob", "cy"].map((name) => connected(`${simulator.url("chat")}?user=${name}`)),
    );
    const ids = connections.map(({ connectionId }) => connectionId!);
    for (const id of ids) await rest(simulator, "PUT", `/api/hubs/chat/groups/g/connections/${id}`);
    const listed = async (query: string): Promise<string[][]> => {
      const pages: string[][] = [];
      let path: string | undefined = `/api/hubs/chat/groups/g/connections?api-version=2024-12-01${query}`;
      while (path !== undefined) {
        const page = (await (await rest(simulator, "GET", path)).json()) as {
          value: { connectionId: string; userId: string }[];
          nextLink?: string;
        };
        pages.push(page.value.map(({ userId }) => userId));
        path = page.nextLink?.slice(simulator.service.origin.length);
      }
      return pages;
    };
    expect((await listed("")).flat().toSorted()).toEqual(["ada", "bob", "cy"]);
    expect((await listed("&maxpagesize=2")).map(({ length }) => length)).toEqual([2, 1]);
    expect((await listed("&maxPageSize=1&top=2")).map(({ length }) => length)).toEqual([1, 1]);
    await Promise.all(connections.map((each) => each.stop()));
  });
});
