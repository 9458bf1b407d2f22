import { Subject } from "@microsoft/signalr";
import { describe, expect, it } from "vitest";
import { HubException, signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { called, closed, collected, connected, wires } from "./official-client.ts";

async function chat(hosting: "azure" | "self" = "azure"): Promise<SignalRSimulator> {
  const simulator = await signalr({
    hubs: [{ name: "chat", hosting, detailedErrors: true, maximumParallelInvocations: 2 }],
  });
  simulator
    .hub("chat")
    .on("Echo", (_call, value: unknown) => value)
    .on("Broadcast", (call, text: string) => {
      call.clients.all.send("said", text);
    })
    .on("Join", (call, group: string) => {
      call.groups.add(call.connectionId, group);
    })
    .on("Shout", (call, group: string, text: string) => {
      call.clients.group(group).send("said", text);
    })
    .on("Throw", (_call, message: string) => {
      throw Object.assign(new Error(message), { name: "InvalidOperationException" });
    })
    .on("ThrowHubException", async (_call, message: string) => {
      throw new HubException(message);
    })
    .on("Count", async function* (_call, to: number) {
      for (let index = 1; index <= to; index += 1) yield index;
    })
    .on("Endless", async function* (call) {
      for (let index = 0; !call.signal.aborted; index += 1) {
        yield index;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })
    .on("Sum", async (_call, numbers: AsyncIterable<number>) => {
      let sum = 0;
      for await (const number of numbers) sum += number;
      return sum;
    })
    .on("AskBack", async (call) => `client said ${String(await call.clients.caller.invoke("name"))}`);
  return simulator;
}

describe.each(wires)("the official client over $transport with $protocol", (wire) => {
  it.each(["azure", "self"] as const)("invokes, is called, joins groups (hosting %s)", async (hosting) => {
    await using simulator = await chat(hosting);
    const url = simulator.url("chat");
    const [one, two] = await Promise.all([connected(url, wire), connected(url, wire)]);
    const value = { text: "Grüße\u001f", list: [1, 2.5, null, true] };
    expect(await one.invoke("echo", value)).toEqual(value);
    const said = [called(one, "said"), called(two, "said")];
    await one.invoke("Broadcast", "hello");
    expect(await Promise.all(said)).toEqual([["hello"], ["hello"]]);
    await two.invoke("Join", "night");
    const shouted = called(two, "said");
    await one.invoke("Shout", "night", "psst");
    expect(await shouted).toEqual(["psst"]);
    const connections = simulator.journal.alive("chat");
    expect(connections.map(({ transport, protocol }) => ({ transport, protocol }))).toEqual([wire, wire]);
    expect(connections.map(({ server }) => server)).toEqual(
      Array(2).fill(hosting === "azure" ? "service" : "app"),
    );
    await Promise.all([one.stop(), two.stop()]);
    await expect.poll(() => simulator.journal.alive()).toEqual([]);
    expect(simulator.journal.connections().map(({ endedBy }) => endedBy)).toEqual(["client", "client"]);
  });

  it("streams in both directions, and ends a stream that is cancelled", async () => {
    await using simulator = await chat();
    const connection = await connected(simulator.url("chat"), wire);
    expect(await collected(connection.stream("Count", 5))).toEqual([1, 2, 3, 4, 5]);
    const numbers = new Subject<number>();
    const sum = connection.invoke("Sum", numbers);
    for (const number of [1, 2, 3]) numbers.next(number);
    numbers.complete();
    expect(await sum).toBe(6);
    expect(await collected(connection.stream("Endless"), 3)).toEqual([0, 1, 2]);
    await expect
      .poll(() => simulator.journal.messages("chat").filter(({ type }) => type === "cancel-invocation"))
      .toHaveLength(1);
    await connection.stop();
  });

  it("lets a cancelled stream's method clean up", async () => {
    await using simulator = await chat();
    let cleaned = 0;
    simulator.hub("chat").on("Careless", async function* () {
      try {
        for (;;) {
          yield 1;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        cleaned += 1;
      }
    });
    const connection = await connected(simulator.url("chat"), wire);
    await collected(connection.stream("Careless"), 2);
    await expect.poll(() => cleaned).toBe(1);
    await connection.stop();
  });

  it("asks a client for a result", async () => {
    await using simulator = await chat();
    const connection = await connected(simulator.url("chat"), wire);
    connection.on("name", () => "Ada");
    expect(await connection.invoke("AskBack")).toBe("client said Ada");
    connection.off("name");
    await expect(connection.invoke("AskBack")).rejects.toThrow("Client didn't provide a result.");
    await connection.stop();
  });

  it("answers in the words of ASP.NET Core", async () => {
    await using simulator = await chat();
    const connection = await connected(simulator.url("chat"), wire);
    await expect(connection.invoke("Throw", "no")).rejects.toThrow(
      "An unexpected error occurred invoking 'Throw' on the server. InvalidOperationException: no",
    );
    await expect(connection.invoke("ThrowHubException", "no")).rejects.toThrow(
      "An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: no",
    );
    await expect(connection.invoke("Missing")).rejects.toThrow(
      "Failed to invoke 'Missing' due to an error on the server. HubException: Method does not exist.",
    );
    await expect(connection.invoke("Count", 1)).rejects.toThrow(
      "The client attempted to invoke the streaming 'Count' method with a non-streaming invocation.",
    );
    await expect(collected(connection.stream("Echo", 1))).rejects.toThrow(
      "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.",
    );
    await connection.stop();
  });

  it("is closed by the server", async () => {
    await using simulator = await chat();
    const connection = await connected(simulator.url("chat"), wire);
    const end = closed(connection);
    simulator.closeConnections({ error: "Connection closed with an error." });
    expect(await end).toMatchObject({
      message: "Server returned an error on close: Connection closed with an error.",
    });
    expect(simulator.journal.connections()).toMatchObject([
      { endedBy: "server", error: "Connection closed with an error." },
    ]);
  });
});
