import { HttpTransportType, Subject, type HubConnection } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import type { SignalRSimulator } from "@holdfast/simulators/signalr";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { chat } from "./chat.ts";
import { carriages, clients } from "./clients.ts";

let sim: SignalRSimulator;
beforeAll(async () => {
  sim = await chat();
});
afterAll(() => sim.close());

for (const client of clients) {
  for (const carriage of carriages) {
    describe(`${client.name}, ${carriage.title}`, () => {
      const built: HubConnection[] = [];
      const build = (): HubConnection => {
        const connection = client.build(sim.url("chat"), carriage);
        built.push(connection);
        return connection;
      };
      const connect = async (): Promise<HubConnection> => {
        const connection = build();
        await connection.start();
        return connection;
      };
      afterEach(async () => {
        await Promise.all(built.splice(0).map((connection) => connection.stop()));
      });

      it("goes from disconnected to connected and back", async () => {
        const connection = build();
        const closed: unknown[] = [];
        connection.onclose((error) => closed.push(error));
        expect([connection.state, connection.connectionId]).toEqual(["Disconnected", null]);
        const started = connection.start();
        expect(connection.state).toBe("Connecting");
        await started;
        expect(connection.state).toBe("Connected");
        expect(sim.hub("chat").connectionIds).toContain(connection.connectionId);
        await connection.stop();
        expect(connection.state).toBe("Disconnected");
        expect(closed).toEqual([undefined]);
        await connection.stop();
        expect(closed).toHaveLength(1);
      });

      it("can be started again, with its handlers", async () => {
        const connection = await connect();
        const said: unknown[] = [];
        connection.on("Said", (...words) => said.push(words));
        await connection.stop();
        await connection.start();
        await connection.invoke("Join", "b");
        await connection.invoke("Say", "b", "again");
        await settled(() => said.length > 0);
        expect(said).toEqual([["b", "again"]]);
      });

      it("refuses to start while it is started", async () => {
        const connection = await connect();
        await expect(connection.start()).rejects.toThrow(
          "Cannot start a HubConnection that is not in the 'Disconnected' state.",
        );
      });

      it("refuses calls before start() and after stop()", async () => {
        const connection = build();
        const text = "Cannot send data if the connection is not in the 'Connected' State.";
        await expect(connection.invoke("Echo", 1)).rejects.toThrow(text);
        await expect(connection.send("Echo", 1)).rejects.toThrow(text);
        await expect(collect(connection, "Count", 1)).rejects.toThrow(text);
        await connection.start();
        await connection.stop();
        await expect(connection.invoke("Echo", 1)).rejects.toThrow(text);
      });

      it.each([0, -1.5, "", "ü€😀", true, null, [1, [2]], { a: { b: [null] } }, "x".repeat(20_000)])(
        "returns what a method returns (%#)",
        async (value) => {
          const connection = await connect();
          expect(await connection.invoke("Echo", value)).toEqual(value);
        },
      );

      it("passes several arguments, and none", async () => {
        const connection = await connect();
        expect(await connection.invoke("Echo", 1, "two", { three: 3 })).toEqual([1, "two", { three: 3 }]);
        expect(await connection.invoke("Echo")).toEqual([]);
        const nothing: unknown = await connection.invoke("Nothing");
        expect(nothing ?? null).toBeNull();
      });

      const bytes = new Uint8Array([0, 255, 128]);
      it(`passes bytes ${carriage.isBinary ? "as they are" : "as JSON has them"}`, async () => {
        const connection = await connect();
        const received: unknown = await connection.invoke("Echo", bytes);
        expect(received).toEqual(carriage.isBinary ? bytes : { "0": 0, "1": 255, "2": 128 });
      });

      it("keeps the answers of concurrent calls apart", async () => {
        const connection = await connect();
        const values = Array.from({ length: 50 }, (_, index) => index);
        expect(await Promise.all(values.map((value) => connection.invoke("Echo", value)))).toEqual(values);
      });

      it("rejects with the server's words", async () => {
        const connection = await connect();
        await expect(connection.invoke("Fail")).rejects.toThrow(
          /^An unexpected error occurred invoking 'Fail' on the server\.$/,
        );
        await expect(connection.invoke("Refuse")).rejects.toThrow(/HubException: no such room$/);
        await expect(connection.invoke("Missing")).rejects.toThrow(/Method does not exist\.$/);
        expect(connection.state).toBe("Connected");
      });

      it("sends without waiting for an answer", async () => {
        const connection = await connect();
        await connection.invoke("Join", "a");
        const said: unknown[] = [];
        connection.on("said", (...words) => said.push(words));
        await connection.send("Say", "a", "hello");
        await settled(() => said.length > 0);
        expect(said).toEqual([["a", "hello"]]);
      });

      it("calls each handler once, and none that was removed", async () => {
        const connection = await connect();
        const calls: string[] = [];
        const first = (): unknown => calls.push("first");
        const second = (): unknown => calls.push("second");
        connection.on("News", first);
        connection.on("NEWS", first);
        connection.on("News", second);
        connection.on("News", () => {
          throw new Error("theirs");
        });
        const news = async (): Promise<void> => {
          sim
            .hub("chat")
            .clients.client(connection.connectionId ?? "")
            .send("News");
          await connection.invoke("Echo", 1);
        };
        await news();
        await settled(() => calls.length === 2);
        expect(calls.splice(0)).toEqual(["first", "second"]);
        connection.off("news", first);
        await news();
        await settled(() => calls.length === 1);
        expect(calls.splice(0)).toEqual(["second"]);
        connection.off("News");
        await news();
        expect(calls).toEqual([]);
      });

      it("gives the server the result of its handler, or its error", async () => {
        const connection = await connect();
        const caller = sim.hub("chat").clients.client(connection.connectionId ?? "");
        await expect(caller.invoke("Answer", "?")).rejects.toThrow("Client didn't provide a result.");
        connection.on("Answer", async (question: string) => Promise.resolve(`${question}!`));
        expect(await caller.invoke("Answer", "42")).toBe("42!");
        connection.off("Answer");
        connection.on("Answer", () => {
          throw new Error("do not know");
        });
        await expect(caller.invoke("Answer", "?")).rejects.toThrow("do not know");
      });

      it("receives a stream to its end", async () => {
        const connection = await connect();
        expect(await collect(connection, "Count", 5)).toEqual([1, 2, 3, 4, 5]);
        expect(await collect(connection, "Count", 0)).toEqual([]);
      });

      it("receives a stream's error after its items", async () => {
        const connection = await connect();
        const items: unknown[] = [];
        await expect(collect(connection, "Break", undefined, items)).rejects.toThrow("broken off");
        expect(items).toEqual([1]);
      });

      it("cancels a stream that nobody reads any more", async () => {
        const connection = await connect();
        const items: unknown[] = [];
        const subscription = connection.stream("Forever").subscribe({
          next: (item) => items.push(item),
          complete: () => undefined,
          error: () => undefined,
        });
        await settled(() => items.length >= 2);
        subscription.dispose();
        const received = items.length;
        await new Promise((resolve) => setTimeout(resolve, 60));
        expect(items.length).toBeLessThanOrEqual(received + 1);
        expect(await connection.invoke("Echo", 1)).toBe(1);
      });

      it("sends a stream, and receives one while it does", async () => {
        const connection = await connect();
        const numbers = new Subject<number>();
        const sum = connection.invoke("Sum", numbers);
        for (const number of [1, 2, 3]) numbers.next(number);
        numbers.complete();
        expect(await sum).toBe(6);
        const more = new Subject<number>();
        const doubled = collect(connection, "Double", more);
        for (const number of [4, 5]) more.next(number);
        more.complete();
        expect(await doubled).toEqual([8, 10]);
      });

      it("rejects what is under way when it is stopped", async () => {
        const connection = await connect();
        sim.hub("chat").on("Slow", () => new Promise(() => undefined));
        const call = connection.invoke("Slow");
        const rejected = expect(call).rejects.toThrow(
          "Invocation canceled due to the underlying connection being closed.",
        );
        await connection.stop();
        await rejected;
      });
    });
  }

  it(`${client.name} does not speak MessagePack over server-sent events`, async () => {
    const connection = client.build(sim.url("chat"), {
      ...{ title: "", isBinary: true, transport: HttpTransportType.ServerSentEvents },
      protocol: () => new MessagePackHubProtocol(),
    });
    await expect(connection.start()).rejects.toThrow(/'ServerSentEvents' does not support Binary/);
  });
}

function collect(
  connection: HubConnection,
  method: string,
  argument: unknown,
  items: unknown[] = [],
): Promise<unknown[]> {
  const stream = argument === undefined ? connection.stream(method) : connection.stream(method, argument);
  return new Promise((resolve, reject) => {
    stream.subscribe({
      next: (item) => items.push(item),
      complete: () => {
        resolve(items);
      },
      error: reject,
    });
  });
}

/** Waits for a condition, not for a time. */
async function settled(condition: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Still not so after a minute: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
