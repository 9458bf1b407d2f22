import { describe, expect, it } from "vitest";
import { AbortError, HttpTransportType } from "@microsoft/signalr";
import { backoff, failureOf, signalrPolicies } from "@holdfast/signalr";
import { answer, halfOpen, neverAnswer } from "@holdfast/simulators/signalr";
import { outcome, returned, scene, stateOf, transports, until, type Scene } from "./scene.ts";

/** Everything that ends a connection, and the row that says why. */
const losses: readonly [string, (s: Scene) => unknown, string][] = [
  [
    "the server closes it with an error and allows no reconnection",
    (s) => s.sim.closeConnections({ error: "Connection closed with an error." }),
    "SR-33",
  ],
  [
    "the server closes it with an internal error",
    (s) => s.sim.closeConnections({ error: "Internal server error." }),
    "SR-34",
  ],
  ["the server closes it without a word", (s) => s.sim.closeConnections(), "connection-lost"],
  [
    "the server closes it and allows a reconnection",
    (s) => s.sim.closeConnections({ error: "Bye.", allowReconnect: true }),
    "SR-33",
  ],
  ["the socket is cut (1006)", (s) => s.sim.dropConnections(), "SR-31"],
  ["both servers are restarted", (s) => s.sim.restart({ downMs: 300 }), "SR-31"],
];

describe("a connection comes back when", () => {
  it.each(losses)("%s", async (_, lose, id) => {
    await using s = await scene();
    const said: unknown[] = [];
    s.connection.onreconnecting((error) => said.push(["reconnecting", error]));
    s.connection.onreconnected((connectionId) => said.push(["reconnected", connectionId]));
    s.connection.on("Hello", (name) => said.push(["hello", name]));
    await s.connection.start();
    const { connectionId } = s.connection;
    await lose(s);
    const again = await returned(s, [connectionId]);
    expect(s.events.find(({ type }) => type === "disconnected")).toMatchObject({ fault: { id } });
    s.sim.hub("chat").clients.all.send("Hello", "you");
    await until(() => said.length >= 3);
    expect(said.map((one) => (one as unknown[])[0])).toEqual(["reconnecting", "reconnected", "hello"]);
    expect(said[1]).toEqual(["reconnected", again]);
    // Each attempt negotiates and is given a token of its own.
    const tokens = s.sim.journal.connections().map(({ token }) => token);
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  it("nothing is heard from the server for the server timeout", async () => {
    await using s = await scene({
      simulator: { keepAliveMs: 60_000 },
      also: (builder) => builder.withServerTimeout(300).withKeepAliveInterval(150),
    });
    await s.connection.start();
    const { connectionId } = s.connection;
    await returned(s, [connectionId]);
    expect(s.events[0]).toMatchObject({ type: "disconnected", fault: { id: "SR-32" } });
  });

  it("its socket falls silent for good, and no socket is left behind", async () => {
    await using s = await scene({
      also: (builder) => builder.withServerTimeout(400).withKeepAliveInterval(100),
    });
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.freeze();
    await returned(s, [connectionId]);
    await s.connection.stop();
    await until(() => s.sim.journal.alive().length <= 1);
  });

  it.each(transports)("it went over %s and the servers were restarted", async (_, transport) => {
    await using s = await scene({ http: { transport } });
    await s.connection.start();
    const { connectionId } = s.connection;
    await s.sim.restart({ downMs: 200 });
    await returned(s, [connectionId]);
    expect(await s.connection.invoke("Echo", "x")).toBe("x");
  });
});

describe("reconnecting", () => {
  it("obeys a server that allows none, when told to", async () => {
    await using s = await scene({ resilience: { onServerClose: "if-allowed" } });
    const closed: unknown[] = [];
    s.connection.onclose((error) => closed.push(error));
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.closeConnections({ error: "Later.", allowReconnect: true });
    await returned(s, [connectionId]);
    s.sim.closeConnections({ error: "Go away." });
    await until(() => stateOf(s.connection) === "Disconnected");
    expect(String(closed[0])).toContain("Go away.");
    expect(failureOf(closed[0])).toMatchObject({ id: "SR-33", reason: "attempts" });
  });

  it("ends for good with the error when the server refuses the client", async () => {
    await using s = await scene();
    const closed: unknown[] = [];
    s.connection.onclose((error) => closed.push(error));
    await s.connection.start();
    s.sim.faults.always("app-negotiate", answer(403));
    s.sim.dropConnections();
    await until(() => closed.length === 1);
    expect(stateOf(s.connection)).toBe("Disconnected");
    expect(failureOf(closed[0])).toMatchObject({ id: "forbidden" });
    s.sim.faults.clear();
    await s.connection.start();
    expect(await s.connection.invoke("Echo", 1)).toBe(1);
  });

  it("goes on where a gateway knows no hub for a while", async () => {
    await using s = await scene();
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.faults.next("app-negotiate", answer(404), { times: 3 });
    s.sim.dropConnections();
    await returned(s, [connectionId]);
    expect(s.sim.journal.negotiates("app").map(({ status }) => status)).toEqual([200, 404, 404, 404, 200]);
  });

  it("is ended at once by stop(), during a wait and during an attempt", async () => {
    await using s = await scene({
      resilience: {
        policies: signalrPolicies({
          "signalr.reconnect": { backoff: backoff.steps({ delaysMs: [60_000], jitterMs: 0 }) },
        }),
      },
    });
    const closed: unknown[] = [];
    s.connection.onclose((error) => closed.push(error));
    await s.connection.start();
    s.sim.dropConnections();
    await until(() => stateOf(s.connection) === "Reconnecting");
    const { ownMs } = await outcome(s.connection.stop());
    expect(ownMs).toBeLessThan(500);
    expect(stateOf(s.connection)).toBe("Disconnected");
    expect(closed).toEqual([undefined]);

    await using other = await scene();
    await other.connection.start();
    other.sim.faults.always("transport", neverAnswer());
    other.sim.dropConnections();
    await until(() => other.sim.journal.requests().filter(({ step }) => step === "transport").length === 2);
    expect((await outcome(other.connection.stop())).ownMs).toBeLessThan(1_000);
  });

  it("can be stopped and started by its own callbacks", async () => {
    await using s = await scene();
    await s.connection.start();
    s.connection.onreconnecting(() => void s.connection.stop());
    s.connection.onclose(() => void s.connection.start());
    s.sim.dropConnections();
    await until(() => s.sim.journal.connections().length === 2 && stateOf(s.connection) === "Connected");
    expect(s.sim.journal.alive()).toHaveLength(1);
  });

  it("tells every callback, although one throws", async () => {
    await using s = await scene();
    let told = 0;
    s.connection.onreconnecting(() => {
      throw new Error("theirs");
    });
    const rejecting = async (): Promise<void> => Promise.reject(new Error("theirs too"));
    s.connection.onreconnecting(() => rejecting() as never);
    s.connection.onreconnecting(() => (told += 1));
    await s.connection.start();
    s.sim.dropConnections();
    await until(() => told === 1);
  });

  it("does not come back when it is stopped", async () => {
    await using s = await scene();
    await s.connection.start();
    await s.connection.stop();
    await until(() => s.sim.journal.alive().length === 0);
    expect(s.sim.journal.connections()[0]).toMatchObject({ endedBy: "client" });
    expect(s.events).toEqual([]);
  });

  it("lets stop() end although the server says nothing any more", async () => {
    await using s = await scene({ http: { transport: HttpTransportType.LongPolling } });
    await s.connection.start();
    s.sim.freeze();
    s.sim.faults.always("connect", halfOpen(0));
    expect((await outcome(s.connection.stop())).ownMs).toBeLessThan(3_000);
  });

  it("goes to another address when it was changed meanwhile", async () => {
    await using s = await scene();
    await using elsewhere = await scene();
    await s.connection.start();
    const to = (url: string) => () => (s.connection.baseUrl = url);
    expect(to(elsewhere.sim.url("chat"))).toThrow("must be in the Disconnected or Reconnecting state");
    await s.sim.stop();
    await until(() => stateOf(s.connection) === "Reconnecting");
    to(elsewhere.sim.url("chat"))();
    await until(() => elsewhere.sim.journal.alive().length === 1);
  });

  it("keeps the cookie that pins it to a server", async () => {
    await using s = await scene({ simulator: { cookies: { ARRAffinity: "server-1" } } });
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.dropConnections();
    await returned(s, [connectionId]);
    const [first, second] = s.sim.journal.negotiates("app");
    expect([first?.cookies, second?.cookies]).toEqual([undefined, "ARRAffinity=server-1"]);
  });
});

describe("the user's withAutomaticReconnect()", () => {
  it("with delays takes them, and repeats the last one for ever", async () => {
    await using s = await scene({
      also: (builder) => builder.withAutomaticReconnect([0, 50]),
      resilience: { random: () => 0 },
    });
    await s.connection.start();
    await s.sim.stop();
    await until(() => s.events.filter(({ type }) => type === "retry").length >= 4);
    const waits = s.events.map((event) => ("waitMs" in event ? event.waitMs : undefined));
    expect(waits.slice(0, 5)).toEqual([0, 50, 50, 50, 50]);
  });

  it("with a policy asks it, and ends when it says null", async () => {
    const asked: unknown[] = [];
    const policy = {
      nextRetryDelayInMilliseconds: ({ previousRetryCount, retryReason }: never): number | null => {
        asked.push([previousRetryCount, String(retryReason).slice(0, 20)]);
        return asked.length < 3 ? 30 : null;
      },
    };
    await using s = await scene({ also: (builder) => builder.withAutomaticReconnect(policy) });
    const closed: unknown[] = [];
    s.connection.onclose((error) => closed.push(error));
    await s.connection.start();
    await s.sim.stop();
    await until(() => closed.length === 1);
    expect(asked).toEqual([
      [0, "Error: WebSocket clo"],
      [1, "Error: Failed to com"],
      [2, "Error: Failed to com"],
    ]);
    expect(stateOf(s.connection)).toBe("Disconnected");
  });

  it("with a policy still waits as long as the server asks", async () => {
    const policy = { nextRetryDelayInMilliseconds: () => 10 };
    await using s = await scene({ also: (builder) => builder.withAutomaticReconnect(policy) });
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.faults.next("app-negotiate", answer(429, { retryAfterSeconds: 1 }));
    s.sim.dropConnections();
    await returned(s, [connectionId]);
    const [, second, third] = s.sim.journal.negotiates("app");
    expect(third!.at - second!.at).toBeGreaterThanOrEqual(1_000);
  });
});

describe("the re-join hook", () => {
  it("runs after every connection, before start() resolves and calls that wait go out", async () => {
    const order: string[] = [];
    await using s = await scene({
      resilience: {
        whileDown: "wait",
        rejoin: async (connection, { isReconnect }) => {
          await connection.invoke("Join", isReconnect);
          order.push(`joined ${String(isReconnect)}`);
        },
      },
    });
    s.sim.hub("chat").on("Join", () => undefined);
    await s.connection.start();
    order.push("started");
    s.connection.onreconnected(() => order.push("reconnected"));
    s.sim.dropConnections();
    await until(() => stateOf(s.connection) === "Reconnecting");
    await s.connection.invoke("Echo", 1);
    expect(order).toEqual(["joined false", "started", "joined true", "reconnected"]);
    expect(s.sim.journal.invocations().map(({ target }) => target)).toEqual(["Join", "Join", "Echo"]);
  });

  it("makes the connection anew when it fails", async () => {
    let calls = 0;
    await using s = await scene({
      resilience: {
        rejoin: () => {
          calls += 1;
          if (calls < 3) throw new Error("no such room yet");
        },
      },
    });
    await s.connection.start();
    expect(calls).toBe(3);
    await until(() => s.sim.journal.alive().length === 1);
    expect(s.sim.journal.connections()).toHaveLength(3);
  });

  it("does not hold up stop()", async () => {
    await using s = await scene({ resilience: { rejoin: () => new Promise(() => undefined) } });
    const started = outcome(s.connection.start());
    await until(() => s.sim.journal.alive().length === 1);
    await s.connection.stop();
    expect((await started).error).toBeInstanceOf(AbortError);
    await until(() => s.sim.journal.alive().length === 0);
  });
});
