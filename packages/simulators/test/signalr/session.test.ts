import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { signalr, type SignalROptions, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { closed, connected, officialClient, wires } from "./official-client.ts";

const start = (options: SignalROptions = {}): Promise<SignalRSimulator> =>
  signalr({ hubs: [{ name: "chat", hosting: "self", detailedErrors: true }], ...options });

/** A client that says what it is told to, and nothing else. */
async function bareSocket(simulator: SignalRSimulator): Promise<{
  readonly socket: WebSocket;
  readonly records: unknown[];
  send(record: unknown): void;
}> {
  const socket = new WebSocket(simulator.url("chat").replace("http", "ws"));
  const records: unknown[] = [];
  socket.on("message", (data: Buffer) => {
    const parts = data.toString().split("\u001e").slice(0, -1);
    records.push(...parts.map((part) => JSON.parse(part) as unknown));
  });
  await new Promise((resolve) => socket.once("open", resolve));
  return {
    socket,
    records,
    send: (record) => {
      socket.send(`${JSON.stringify(record)}\u001e`);
    },
  };
}

describe("a hub connection", () => {
  it("is pinged when it is silent, which keeps the official client content", async () => {
    await using simulator = await start({ keepAliveMs: 50 });
    const connection = officialClient(simulator.url("chat"), {}, {}, (b) => b.withServerTimeout(1_000));
    await connection.start();
    await expect
      .poll(
        () =>
          simulator.journal
            .messages()
            .filter(({ type, direction }) => type === "ping" && direction === "sent").length,
      )
      .toBeGreaterThan(30);
    expect(connection.state).toBe("Connected");
    await connection.stop();
  });

  it("is given up when its client is silent for too long", async () => {
    await using simulator = await start({ clientTimeoutMs: 1_000 });
    const connection = officialClient(simulator.url("chat"), {}, {}, (b) => b.withKeepAliveInterval(60_000));
    await connection.start();
    const end = closed(connection);
    expect(await end).toMatchObject({
      message:
        "Server returned an error on close: Connection closed with an error. OperationCanceledException: Client hasn't sent a message/ping within the configured 1000 ms.",
    });
  });

  it("is given up when no handshake comes", async () => {
    await using simulator = await start({ handshakeTimeoutMs: 100 });
    const { socket, records } = await bareSocket(simulator);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(records).toEqual([{ error: "Handshake was canceled." }]);
  });

  it.each([
    [{ protocol: "xml", version: 1 }, "The protocol 'xml' is not supported."],
    [{ protocol: "json", version: 9 }, "The server does not support version 9 of the 'json' protocol."],
    [{ type: 6 }, "An unexpected error occurred during connection handshake."],
  ])("refuses the handshake %j", async (handshake, error) => {
    await using simulator = await start();
    const { socket, records, send } = await bareSocket(simulator);
    send(handshake);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(records).toEqual([{ error }]);
  });

  it("takes records in pieces, several at a time, and right behind the handshake", async () => {
    await using simulator = await start();
    simulator.hub("chat").on("Echo", (_call, value: unknown) => value);
    const { socket, records } = await bareSocket(simulator);
    const call = (id: number): string =>
      `${JSON.stringify({ type: 1, invocationId: String(id), target: "Echo", arguments: [id] })}\u001e`;
    const all = `{"protocol":"json","version":1}\u001e${call(1)}${call(2)}${call(3)}`;
    socket.send(all.slice(0, 10));
    socket.send(all.slice(10, 60));
    socket.send(all.slice(60));
    await expect
      .poll(() => records)
      .toEqual([{}, ...[1, 2, 3].map((id) => ({ type: 3, invocationId: String(id), result: id }))]);
    socket.close();
  });

  it("is closed when it sends what is no message", async () => {
    await using simulator = await start();
    const { socket, records, send } = await bareSocket(simulator);
    send({ protocol: "json", version: 1 });
    socket.send("{nonsense\u001e");
    await new Promise((resolve) => socket.once("close", resolve));
    expect(records[1]).toMatchObject({
      type: 7,
      error: expect.stringContaining("Connection closed with an error."),
    });
  });

  it("tells a hub when it comes and goes, and waits for the hub before its first call", async () => {
    await using simulator = await start();
    const seen: string[] = [];
    simulator
      .hub("chat")
      .onConnected(async (call) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        call.items.set("name", "Ada");
        seen.push("connected");
      })
      .onDisconnected((call) => seen.push(`${String(call.items.get("name"))} left`))
      .on("Name", (call) => {
        seen.push("called");
        return call.items.get("name");
      });
    const connection = await connected(simulator.url("chat"));
    expect(await connection.invoke("Name")).toBe("Ada");
    await connection.stop();
    await expect.poll(() => seen).toEqual(["connected", "called", "Ada left"]);
  });

  it("is closed when the hub does not want it", async () => {
    await using simulator = await start();
    simulator.hub("chat").onConnected(() => {
      throw Object.assign(new Error("no"), { name: "InvalidOperationException" });
    });
    const connection = officialClient(simulator.url("chat"));
    const end = closed(connection);
    // Whether it had started by then is a matter of chance.
    const outcome = connection.start().then(
      () => end,
      (error: unknown) => error,
    );
    expect(await outcome).toMatchObject({
      message:
        "Server returned an error on close: Connection closed with an error. InvalidOperationException: no",
    });
  });

  it("runs one call of a client at a time, unless the hub says otherwise", async () => {
    for (const maximumParallelInvocations of [1, 2]) {
      await using simulator = await signalr({ hubs: [{ name: "chat", maximumParallelInvocations }] });
      let running = 0;
      let most = 0;
      simulator.hub("chat").on("Slow", async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 30));
        running -= 1;
      });
      const connection = await connected(simulator.url("chat"));
      await Promise.all([connection.invoke("Slow"), connection.invoke("Slow"), connection.invoke("Slow")]);
      expect(most).toBe(maximumParallelInvocations);
      await connection.stop();
    }
  });

  it("refuses to wait for its caller inside the only call that may run", async () => {
    await using simulator = await start();
    simulator.hub("chat").on("AskBack", (call) => call.clients.caller.invoke("name"));
    const connection = await connected(simulator.url("chat"));
    await expect(connection.invoke("AskBack")).rejects.toThrow(
      "InvalidOperationException: Client results inside a Hub method requires",
    );
    await connection.stop();
  });

  it("checks what a method is declared to take", async () => {
    await using simulator = await start();
    simulator
      .hub("chat")
      .on("Two", () => 2, { parameters: 2 })
      .on("Up", () => 1, { uploads: 1 });
    const connection = await connected(simulator.url("chat"));
    await expect(connection.invoke("Two", 1)).rejects.toThrow(
      "Failed to invoke 'Two' due to an error on the server. InvalidDataException: Invocation provides 1 argument(s) but target expects 2.",
    );
    await expect(connection.invoke("Up")).rejects.toThrow(
      "An unexpected error occurred invoking 'Up' on the server. HubException: Client sent 0 stream(s), Hub method expects 1.",
    );
    await connection.stop();
  });

  it("hides what a method threw unless the hub is told to be detailed", async () => {
    await using simulator = await signalr({ hubs: ["chat"] });
    simulator.hub("chat").on("Throw", () => {
      throw new Error("secret");
    });
    const connection = await connected(simulator.url("chat"));
    await expect(connection.invoke("Throw")).rejects.toThrow(
      /^An unexpected error occurred invoking 'Throw' on the server\.$/,
    );
    await connection.stop();
  });

  it.each(wires)(
    "is closed when a message is larger than it may be ($transport, $protocol)",
    async (wire) => {
      await using simulator = await start();
      simulator.hub("chat").on("Echo", (_call, value: unknown) => value);
      const connection = await connected(simulator.url("chat"), wire);
      expect(await connection.invoke("Echo", "x".repeat(32_000))).toHaveLength(32_000);
      const end = closed(connection);
      await expect(connection.invoke("Echo", "x".repeat(33_000))).rejects.toThrow();
      expect(await end).toMatchObject({
        message: expect.stringContaining(
          "InvalidDataException: The maximum message size of 32768B was exceeded.",
        ),
      });
    },
  );

  it("keeps no messages in the journal when told not to", async () => {
    await using simulator = await start({ journalMessages: false });
    simulator.hub("chat").on("Echo", (_call, value: unknown) => value);
    const connection = await connected(simulator.url("chat"));
    expect(await connection.invoke("Echo", 1)).toBe(1);
    expect([simulator.journal.messages(), simulator.journal.invocations()]).toEqual([[], []]);
    await connection.stop();
  });
});
