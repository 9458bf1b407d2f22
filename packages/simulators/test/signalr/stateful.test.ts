import { describe, expect, it } from "vitest";
import { dropConnection, signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { closed, connected, wires } from "./official-client.ts";

const resumable = wires.filter(({ transport }) => transport === "WebSockets");

async function start(options: Parameters<typeof signalr>[0] = {}): Promise<SignalRSimulator> {
  const simulator = await signalr({ hubs: ["chat"], ...options });
  simulator.hub("chat").on("Echo", (_call, value: unknown) => value);
  return simulator;
}

describe.each(resumable)("stateful reconnect ($protocol)", (wire) => {
  it("carries a call across a drop, whichever way is lost, and runs it once", async () => {
    await using simulator = await start();
    const connection = await connected(simulator.url("chat"), wire, {}, (b) => b.withStatefulReconnect());
    const { connectionId } = connection;
    expect(await connection.invoke("Echo", 0)).toBe(0);
    simulator.faults.next("receive", dropConnection());
    expect(await connection.invoke("Echo", 1)).toBe(1);
    simulator.faults.next("send", dropConnection());
    expect(await connection.invoke("Echo", 2)).toBe(2);
    expect(connection.connectionId).toBe(connectionId);
    expect(simulator.journal.connections()).toMatchObject([{ resumed: 2 }]);
    expect(simulator.journal.invocations().map((each) => each.arguments[0])).toEqual([0, 1, 2]);
    expect(simulator.journal.negotiates("service")).toHaveLength(1);
    await connection.stop();
  });

  it("loses and repeats nothing that the server sends while the socket is gone", async () => {
    await using simulator = await start();
    const connection = await connected(simulator.url("chat"), wire, {}, (b) => b.withStatefulReconnect());
    const said: unknown[] = [];
    connection.on("said", (value) => said.push(value));
    for (let index = 0; index < 50; index += 1) {
      simulator.hub("chat").clients.all.send("said", index);
      if (index === 20) simulator.dropConnections();
    }
    await expect.poll(() => said).toEqual(Array.from({ length: 50 }, (_each, index) => index));
    await connection.stop();
  });

  it("waits for acknowledgements when its buffer is full", async () => {
    await using simulator = await start({ statefulBufferBytes: 1_000 });
    const connection = await connected(simulator.url("chat"), wire, {}, (b) => b.withStatefulReconnect());
    const said: unknown[] = [];
    connection.on("said", (value: string) => said.push(value.length));
    for (let index = 0; index < 4; index += 1)
      simulator.hub("chat").clients.all.send("said", "x".repeat(600));
    await expect.poll(() => said).toEqual([600, 600]);
    await expect.poll(() => said).toEqual([600, 600, 600, 600]);
    expect(simulator.journal.messages().filter(({ type }) => type === "ack").length).toBeGreaterThan(0);
    await connection.stop();
  });

  it("gives a connection up that nobody resumes", async () => {
    await using simulator = await start({ disconnectTimeoutMs: 200 });
    const connection = await connected(simulator.url("chat"), wire, {}, (b) => b.withStatefulReconnect());
    const end = closed(connection);
    await simulator.service.refuseConnections();
    simulator.dropConnections();
    await end;
    await expect.poll(() => simulator.journal.alive()).toEqual([]);
  });

  it("is refused by a server that does not offer it", async () => {
    await using simulator = await start({ service: { statefulReconnect: false } });
    const connection = await connected(simulator.url("chat"), wire, {}, (b) => b.withStatefulReconnect());
    simulator.faults.next("receive", dropConnection());
    await expect(connection.invoke("Echo", 1)).rejects.toThrow();
    await connection.stop();
  });
});
