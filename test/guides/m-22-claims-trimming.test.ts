import { createHmac } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { createNegotiateHandler, toNodeHandler, type NegotiateReport } from "@holdfast/signalr/negotiate";
import { signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { expect, it } from "vitest";

function groups(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `00000000-0000-0000-0000-${String(n).padStart(12, "0")}`);
}

/** A user of a large company: 40 claims, 12 KB. */
const identity: Readonly<Record<string, unknown>> = {
  name: "Ada",
  role: ["admin", "author"],
  groups: groups(200),
  ...Object.fromEntries(Array.from({ length: 37 }, (_, n) => [`claim${String(n)}`, "x".repeat(100)])),
};

const service = (): Promise<SignalRSimulator> => signalr({ hubs: ["chat"], service: { mode: "serverless" } });

/** An app server that answers negotiate requests and nothing else. */
async function app(negotiate: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(negotiate);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/chat`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** What the official client's start() ends with. */
async function start(url: string): Promise<string> {
  const connection = new HubConnectionBuilder().configureLogging(LogLevel.None).withUrl(url).build();
  try {
    await connection.start();
    return "Connected";
  } catch (error) {
    return (error as Error).message;
  } finally {
    await connection.stop();
  }
}

it("M-22 makes of 12 KB of claims a token of at most 4096 B with the allowed ones, and an address of at most 12 288 B (SR-01, SR-06)", async () => {
  await using sim = await service();
  expect(JSON.stringify(identity).length).toBeGreaterThan(12_000);
  const reports: NegotiateReport[] = [];
  const negotiate = createNegotiateHandler({
    ...{ connectionString: sim.service.connectionString, hub: "chat", userId: "ada" },
    ...{ claims: () => identity, trimClaims: { allow: ["name", "role"] } },
    onNegotiated: (report) => reports.push(report),
  });
  await using server = await app((request, response) => void toNodeHandler(negotiate)(request, response));
  expect(await start(server.url)).toBe("Connected");
  expect(reports).toMatchObject([{ status: 200 }]);
  expect(reports[0]?.tokenChars).toBeLessThanOrEqual(4_096);
  expect(reports[0]?.dropped).toHaveLength(38);
  expect(sim.journal.connections("chat")).toMatchObject([{ userId: "ada" }]);

  const answered = await fetch(`${server.url}/negotiate?negotiateVersion=1`, { method: "POST" });
  const { url, accessToken } = (await answered.json()) as { url: string; accessToken: string };
  // As a browser's WebSocket sends it, with the token in the query.
  expect(`${url}&id=${"x".repeat(22)}&access_token=${accessToken}`.length).toBeLessThanOrEqual(12_288);
  const claims = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()) as object;
  expect(Object.keys(claims).sort()).toEqual(["aud", "exp", "iat", "name", "nameid", "nbf", "role"]);
});

it("M-22 answers with 413 and the largest claims' names when those that must stay are too many (SR-03)", async () => {
  await using sim = await service();
  const negotiate = createNegotiateHandler({
    ...{ connectionString: sim.service.connectionString, hub: "chat" },
    claims: () => ({ ...identity, secret: "s".repeat(5_000) }),
    trimClaims: { allow: ["secret", "name"] },
  });
  await using server = await app((request, response) => void toNodeHandler(negotiate)(request, response));
  const response = await fetch(`${server.url}/negotiate?negotiateVersion=1`, { method: "POST" });
  const text = await response.text();
  expect(response.status).toBe(413);
  expect(JSON.parse(text)).toMatchObject({ largestClaims: [{ name: "secret" }, { name: "name" }] });
  expect(text).not.toContain("sss");
  expect(sim.journal.requests()).toEqual([]);
});

it("M-22 bare: the token that the documentation's sample signs is refused by the service with 413", async () => {
  await using sim = await service();
  const { connectionString } = sim.service;
  const accessKey = /AccessKey=([^;]*)/.exec(connectionString)?.[1] ?? "";
  // Of a hundred groups; with all of them the request would not even get as far as the service.
  const claims = { name: "Ada", role: ["admin", "author"], groups: groups(100) };
  const base64Url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  await using server = await app((_, response) => {
    // signalr-concept-client-negotiation: jwt.sign({ aud: url, …claims }, accessKey, { expiresIn: 3600 })
    const url = `${sim.service.origin}/client/?hub=chat`;
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    const signed = `${base64Url({ alg: "HS256", typ: "JWT" })}.${base64Url({ aud: url, exp, ...claims })}`;
    const accessToken = `${signed}.${createHmac("sha256", accessKey).update(signed).digest("base64url")}`;
    response.end(JSON.stringify({ url, accessToken }));
  });
  expect(await start(server.url)).toContain("Status code '413'");
  expect(sim.journal.requests().map(({ status }) => status)).toEqual([413]);
  expect(sim.journal.connections()).toEqual([]);
});
