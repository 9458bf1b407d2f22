import { describe, expect, it } from "vitest";
import {
  answer,
  blackHole,
  closeConnection,
  cutMessage,
  delayAnswer,
  dropConnection,
  fallSilent,
  halfOpen,
  neverAnswer,
  refuseHandshake,
  resetConnection,
  signalr,
  throttled,
  type SignalRSimulator,
} from "@holdfast/simulators/signalr";
import { called, closed, connected, officialClient, wires } from "./official-client.ts";

async function start(): Promise<SignalRSimulator> {
  const simulator = await signalr({ hubs: ["chat"] });
  simulator.hub("chat").on("Echo", (_call, value: unknown) => value);
  return simulator;
}

const invoked = (simulator: SignalRSimulator): number => simulator.journal.invocations().length;

describe("a scripted fault", () => {
  it.each(["app-negotiate", "service-negotiate"] as const)(
    "at %s answers in place of the server",
    async (step) => {
      await using simulator = await start();
      for (const status of [401, 403, 429, 500, 503]) {
        simulator.faults.next(step, answer(status, { body: "no" }));
        await expect(connected(simulator.url("chat"))).rejects.toThrow(`no: Status code '${status}'`);
      }
      simulator.faults.next(step, dropConnection());
      await expect(connected(simulator.url("chat"))).rejects.toThrow();
      simulator.faults.next(step, neverAnswer());
      await expect(connected(simulator.url("chat"), {}, { timeout: 200 })).rejects.toThrow("timeout");
      simulator.faults.next(step, delayAnswer(100));
      const begun = performance.now();
      await (await connected(simulator.url("chat"))).stop();
      expect(performance.now() - begun).toBeGreaterThanOrEqual(99);
    },
  );

  it("shows Retry-After to who can see it", async () => {
    await using simulator = await start();
    simulator.faults.next("app-negotiate", throttled({ retryAfterSeconds: 3 }));
    const refused = await fetch(`${simulator.url("chat")}/negotiate`, { method: "POST" });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "3"]);
  });

  it.each(wires)("at the transport refuses $transport ($protocol) with its status", async (wire) => {
    await using simulator = await start();
    simulator.faults.always("transport", throttled());
    await expect(connected(simulator.url("chat"), wire)).rejects.toThrow();
    expect(simulator.journal.refusals()).toMatchObject([
      { step: "transport", status: 429, transport: wire.transport },
    ]);
  });

  it("at the transport leaves a WebSocket upgrade unanswered: the official client hangs", async () => {
    await using simulator = await start();
    simulator.faults.next("transport", neverAnswer());
    const connection = officialClient(simulator.url("chat"));
    const outcome = connection.start().catch(String);
    await expect.poll(() => simulator.journal.faults()).toHaveLength(1);
    const later = new Promise((resolve) => setTimeout(resolve, 300, "pending"));
    expect(await Promise.race([outcome, later])).toBe("pending");
    simulator.dropConnections();
    await outcome;
  });

  it.each(wires)("at the handshake: error, silence, drop ($transport, $protocol)", async (wire) => {
    await using simulator = await start();
    simulator.faults.next("handshake", refuseHandshake("The protocol 'json' is not supported."));
    await expect(connected(simulator.url("chat"), wire)).rejects.toThrow(
      "The protocol 'json' is not supported.",
    );
    simulator.faults.next("handshake", dropConnection());
    await expect(connected(simulator.url("chat"), wire)).rejects.toThrow();
    simulator.faults.next("handshake", neverAnswer());
    const silent = officialClient(simulator.url("chat"), wire, {}, (b) => b.withServerTimeout(200));
    if (wire.transport === "LongPolling") {
      const outcome = silent.start().catch(() => undefined);
      await expect.poll(() => simulator.journal.faults()).toHaveLength(3);
      await silent.stop();
      await outcome;
    } else await expect(silent.start()).rejects.toThrow("Server timeout elapsed");
    await (await connected(simulator.url("chat"), wire)).stop();
  });

  it.each(wires)("at receive loses the call or its answer ($transport, $protocol)", async (wire) => {
    await using simulator = await start();
    for (const carriedOut of [false, true]) {
      const before = invoked(simulator);
      const connection = await connected(simulator.url("chat"), wire);
      simulator.faults.next("receive", dropConnection({ carriedOut }));
      await expect(connection.invoke("Echo", 1)).rejects.toThrow();
      expect(invoked(simulator) - before).toBe(carriedOut ? 1 : 0);
      await connection.stop();
      const patient = await connected(simulator.url("chat"), wire);
      simulator.faults.next("receive", neverAnswer({ carriedOut }));
      const unanswered = patient.invoke("Echo", 2).catch(() => "rejected");
      expect(await patient.invoke("Echo", 3)).toBe(3);
      expect(simulator.journal.invocations().filter((each) => each.arguments[0] === 2)).toHaveLength(
        carriedOut ? 1 : 0,
      );
      await patient.stop();
      expect(await unanswered).toBe("rejected");
      simulator.journal.clear();
    }
  });

  it.each(wires)("at send loses, cuts and delays messages ($transport, $protocol)", async (wire) => {
    await using simulator = await start();
    const connection = await connected(simulator.url("chat"), wire);
    const said: unknown[] = [];
    connection.on("said", (value) => said.push(value));
    const { all } = simulator.hub("chat").clients;
    simulator.faults.next("send", neverAnswer());
    all.send("said", "lost");
    simulator.faults.next("send", delayAnswer(150));
    all.send("said", "late");
    all.send("said", "behind it");
    await expect.poll(() => said).toEqual(["late", "behind it"]);
    const end = closed(connection);
    simulator.faults.next("send", cutMessage());
    all.send("said", "x".repeat(1_000));
    all.send("said", "never");
    await end;
    expect(said).toEqual(["late", "behind it"]);
  });

  it.each([
    [{ allowReconnect: true }, "Connected"],
    [{ allowReconnect: false }, "Disconnected"],
    [{}, "Disconnected"],
  ])("that closes with type 7 and %j leaves a reconnecting official client %s", async (reason, state) => {
    await using simulator = await start();
    const connection = officialClient(simulator.url("chat"), {}, {}, (b) => b.withAutomaticReconnect([0]));
    await connection.start();
    const settled = new Promise<void>((resolve) => {
      connection.onreconnected(() => resolve());
      connection.onclose(() => resolve());
    });
    simulator.faults.next("receive", closeConnection(reason));
    await expect(connection.invoke("Echo", 1)).rejects.toThrow("Connection closed with an error.");
    await settled;
    expect(connection.state).toBe(state);
    await connection.stop();
  });

  it("lets a connection fall silent: only the client's own timeout tells", async () => {
    await using simulator = await start();
    const connection = officialClient(simulator.url("chat"), {}, {}, (b) => b.withServerTimeout(1_000));
    await connection.start();
    const end = closed(connection);
    simulator.faults.next("receive", fallSilent());
    const call = connection.invoke("Echo", 1);
    await expect(call).rejects.toThrow("Server timeout elapsed");
    expect(await end).toMatchObject({ message: expect.stringContaining("Server timeout elapsed") });
    expect(invoked(simulator)).toBe(0);
  });

  it("at connect resets, swallows and half-opens TCP connections", async () => {
    await using simulator = await start();
    const rule = simulator.faults.always("connect", resetConnection(), { entity: "app" });
    await expect(connected(simulator.url("chat"))).rejects.toThrow("fetch failed");
    rule.remove();
    simulator.faults.next("connect", blackHole(), { entity: "app" });
    await expect(connected(simulator.url("chat"), {}, { timeout: 300 })).rejects.toThrow("timeout");
    simulator.faults.next("connect", halfOpen(0), { entity: "service" });
    await expect(connected(simulator.url("chat"), {}, { timeout: 300 })).rejects.toThrow();
    simulator.faults.clear();
    await (await connected(simulator.url("chat"))).stop();
  });

  it("freezes live connections without a word", async () => {
    await using simulator = await start();
    const connection = officialClient(simulator.url("chat"), {}, {}, (b) => b.withServerTimeout(1_000));
    await connection.start();
    const end = closed(connection);
    simulator.freeze();
    simulator.hub("chat").clients.all.send("said");
    expect(await end).toMatchObject({ message: expect.stringContaining("Server timeout elapsed") });
  });

  it("at a poll or a post ends long polling and fails what is sent", async () => {
    await using simulator = await start();
    const wire = { transport: "LongPolling" } as const;
    const connection = await connected(simulator.url("chat"), wire);
    simulator.faults.next("post", answer(503));
    await expect(connection.invoke("Echo", 1)).rejects.toThrow("503");
    const end = closed(connection);
    simulator.faults.next("poll", answer(500));
    const said = called(connection, "said");
    simulator.hub("chat").clients.all.send("said", "last");
    expect(await said).toEqual(["last"]);
    expect(await end).toMatchObject({ statusCode: 500 });
  });

  it("is refused where it cannot happen", async () => {
    await using simulator = await start();
    expect(() => simulator.faults.next("connect", answer(500) as never)).toThrow(
      /"answer" cannot happen at step "connect"/,
    );
    expect(() => simulator.faults.next("nowhere" as never, answer(500) as never)).toThrow(
      /unknown step "nowhere"/,
    );
    expect(() => answer(99)).toThrow(/status must be an integer between 200 and 599, got 99/);
    expect(() => delayAnswer(-1)).toThrow(/ms must be 0 or more, got -1/);
  });
});
