import { failureOf } from "@holdfast/core";
import { HubConnectionBuilder, LogLevel, type HubConnection } from "@microsoft/signalr";
import { describe, expect, it } from "vitest";
import {
  answer,
  dropConnection,
  neverAnswer,
  signalr,
  type SignalRSimulator,
} from "@holdfast/simulators/signalr";
import {
  SignalRServiceClient,
  SignalRServiceError,
  type ServiceResilience,
} from "@holdfast/signalr/negotiate";

const start = (): Promise<SignalRSimulator> =>
  signalr({
    hubs: [{ name: "chat", identify: ({ query }) => ({ userId: query.get("user") ?? "" }) }],
    service: { mode: "serverless" },
  });

const sender = (simulator: SignalRSimulator, resilience: ServiceResilience = {}): SignalRServiceClient =>
  new SignalRServiceClient({ connectionString: simulator.service.connectionString, hub: "Chat", resilience });

const restRequests = (simulator: SignalRSimulator): (number | undefined)[] =>
  simulator.journal
    .requests()
    .filter(({ step }) => step === "rest")
    .map(({ status }) => status);

/** A connected user, and what it hears. */
async function listener(
  simulator: SignalRSimulator,
  user: string,
): Promise<{ connection: HubConnection; heard: unknown[]; id: string }> {
  const url = `${simulator.url("chat")}?user=${encodeURIComponent(user)}`;
  const connection = new HubConnectionBuilder().configureLogging(LogLevel.None).withUrl(url).build();
  const heard: unknown[] = [];
  connection.on("said", (text) => heard.push(text));
  await connection.start();
  return { connection, heard, id: connection.connectionId ?? "" };
}

describe("SignalRServiceClient", () => {
  it("SR-43 sends to everybody, users, groups and connections", async () => {
    await using simulator = await start();
    const chat = sender(simulator);
    const ada = await listener(simulator, "ada/é?#");
    const bob = await listener(simulator, "bob");
    await chat.addConnectionToGroup(bob.id, "night shift/é");
    await chat.addUserToGroup("ada/é?#", "writers");
    await chat.sendToAll("said", ["all"]);
    await chat.sendToAll("said", ["not bob"], { excluded: [bob.id] });
    await chat.sendToUser("ada/é?#", "said", ["ada"]);
    await chat.sendToGroup("night shift/é", "said", ["night"]);
    await chat.sendToGroup("writers", "said", ["writers"]);
    await chat.sendToConnection(bob.id, "said", ["you"]);
    await chat.removeConnectionFromGroup(bob.id, "night shift/é");
    await chat.sendToGroup("night shift/é", "said", ["nobody"]);
    await expect.poll(() => ada.heard).toEqual(["all", "not bob", "ada", "writers"]);
    await expect.poll(() => bob.heard).toEqual(["all", "night", "you"]);
    expect(await chat.userIsInGroup("ada/é?#", "writers")).toBe(true);
    await chat.removeUserFromGroup("ada/é?#", "writers");
    expect(await chat.userIsInGroup("ada/é?#", "writers")).toBe(false);
    expect(await chat.userExists("bob")).toBe(true);
    expect(await chat.groupExists("writers")).toBe(false);
    expect(await chat.connectionExists(bob.id)).toBe(true);
    const end = new Promise<Error | undefined>((resolve) => {
      bob.connection.onclose(resolve);
    });
    await chat.closeConnection(bob.id, { reason: "bye" });
    expect(await end).toMatchObject({ message: "Server returned an error on close: bye" });
    expect(await chat.connectionExists(bob.id)).toBe(false);
    await chat.closeConnection(bob.id);
    await ada.connection.stop();
  });

  it("SR-43 repeats what was refused for the moment, no sooner than the service asks", async () => {
    await using simulator = await start();
    simulator.faults.next("rest", answer(429, { retryAfterSeconds: 1 }));
    simulator.faults.next("rest", answer(503));
    simulator.faults.next("rest", dropConnection());
    await sender(simulator).sendToAll("said", ["x"]);
    const requests = simulator.journal.requests();
    expect(requests.map(({ status }) => status)).toEqual([429, 503, undefined, 202]);
    expect(requests[1]!.at - requests[0]!.at).toBeGreaterThanOrEqual(1_000);
  });

  it("sends again what may have arrived, or reports it: as the policy says", async () => {
    await using simulator = await start();
    const ada = await listener(simulator, "ada");
    simulator.faults.next("rest", dropConnection({ carriedOut: true }));
    await sender(simulator).sendToAll("said", ["twice"]);
    await expect.poll(() => ada.heard).toEqual(["twice", "twice"]);
    simulator.faults.next("rest", dropConnection({ carriedOut: true }));
    const careful = sender(simulator, { policy: { onUnknown: "fail" } });
    const error: unknown = await careful.sendToAll("said", ["once"]).catch((thrown: unknown) => thrown);
    expect(failureOf(error)).toMatchObject({ outcome: "unknown", kind: "disconnected" });
    await expect.poll(() => ada.heard).toEqual(["twice", "twice", "once"]);
    await ada.connection.stop();
  });

  it.each([
    [400, "client-bug", "rest-bad-request"],
    [403, "client-bug", "rest-forbidden"],
    [404, "not-found", "rest-not-found"],
    [413, "too-large", "rest-body-too-large"],
  ])("gives up at once at %i, and says why", async (status, kind, id) => {
    await using simulator = await start();
    simulator.faults.always("rest", answer(status, { body: "no" }));
    const error: unknown = await sender(simulator)
      .sendToGroup("g", "said")
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SignalRServiceError);
    expect(error).toMatchObject({
      statusCode: status,
      message: `POST /api/hubs/chat/groups/g/:send: no (status ${status})`,
    });
    expect(failureOf(error)).toMatchObject({ kind, id });
    expect(restRequests(simulator)).toEqual([status]);
  });

  it("tries once without resilience", async () => {
    await using simulator = await start();
    simulator.faults.always("rest", answer(503));
    const { connectionString } = simulator.service;
    const bare = new SignalRServiceClient({ connectionString, hub: "chat", resilience: false });
    await expect(bare.sendToAll("said")).rejects.toMatchObject({ statusCode: 503 });
    expect(restRequests(simulator)).toEqual([503]);
  });

  it("gives up at once on a wrong key", async () => {
    await using simulator = await start();
    const connectionString = simulator.service.connectionString.replace(/AccessKey=\w+/, "AccessKey=wrong");
    const chat = new SignalRServiceClient({ connectionString, hub: "chat" });
    await expect(chat.sendToAll("said")).rejects.toMatchObject({ statusCode: 401 });
    expect(restRequests(simulator)).toEqual([401]);
  });

  it("fetches one new token when the service refuses the credential's", async () => {
    await using simulator = await start();
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const audiences = ["https://other.example", "https://signalr.azure.com"];
    const credential = {
      getToken: async () => {
        const claims = { aud: audiences.shift(), exp: Date.now() / 1_000 + 3_600 };
        const token = `${part({ alg: "RS256" })}.${part(claims)}.signature`;
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    await new SignalRServiceClient({ endpoint: simulator.service.origin, credential, hub: "chat" }).sendToAll(
      "said",
    );
    expect(restRequests(simulator)).toEqual([401, 202]);
  });

  it("ends when the caller does not want it any more", async () => {
    await using simulator = await start();
    simulator.faults.always("rest", neverAnswer());
    const abort = new AbortController();
    const sent = sender(simulator).sendToAll("said", [], { signal: abort.signal });
    await expect.poll(() => simulator.journal.faults()).toHaveLength(1);
    abort.abort();
    await expect(sent).rejects.toMatchObject({ name: "AbortError" });
  });

  it.each(["", ".", "..", "g".repeat(1_025)])("addresses nobody else by the name %j", async (name) => {
    await using simulator = await start();
    const chat = sender(simulator);
    await expect(chat.sendToGroup(name, "said")).rejects.toThrow(
      /group must be a text of 1 to 1024 characters/,
    );
    expect(restRequests(simulator)).toEqual([]);
  });

  it("takes names that look like verbs for names", async () => {
    await using simulator = await start();
    const ada = await listener(simulator, ":send");
    await sender(simulator).sendToUser(":send", "said", ["hello"]);
    await expect.poll(() => ada.heard).toEqual(["hello"]);
    await ada.connection.stop();
  });
});
