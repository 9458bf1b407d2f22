import {
  HttpTransportType,
  HubConnectionBuilder as OfficialBuilder,
  LogLevel,
  type HubConnection,
} from "@microsoft/signalr";
import { HubConnectionBuilder } from "@holdfast/signalr";
import { answer, neverAnswer, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { describe, expect, it } from "vitest";
import { chat } from "./chat.ts";

// The rows of differences.md, each asserted of both.
type Make = (sim: SignalRSimulator, also?: (builder: OfficialBuilder) => unknown) => HubConnection;

const maker =
  (Builder: typeof OfficialBuilder): Make =>
  (sim, also = () => undefined) => {
    const builder = new Builder().configureLogging(LogLevel.None).withUrl(sim.url("chat"));
    also(builder);
    return builder.build();
  };
const bare = maker(OfficialBuilder);
const wrapped = maker(HubConnectionBuilder);

async function withChat(work: (sim: SignalRSimulator) => Promise<void>): Promise<void> {
  const sim = await chat();
  try {
    await work(sim);
  } finally {
    await sim.close();
  }
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Still not so after a minute: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What a connection tells in callbacks, in order. */
function toldBy(connection: HubConnection): string[] {
  const told: string[] = [];
  connection.onreconnecting((error) => told.push(`reconnecting ${String(error)}`));
  connection.onreconnected(() => told.push("reconnected"));
  connection.onclose((error) => told.push(`closed ${String(error)}`));
  return told;
}

describe("1, a negotiation that fails for the moment", () => {
  it("bare: rejects", () =>
    withChat(async (sim) => {
      sim.faults.next("service-negotiate", answer(500));
      await expect(bare(sim).start()).rejects.toThrow("Status code '500'");
    }));
  it("wrapped: is retried", () =>
    withChat(async (sim) => {
      sim.faults.next("service-negotiate", answer(500));
      const connection = wrapped(sim);
      await connection.start();
      expect(sim.journal.negotiates("app")).toHaveLength(2);
      await connection.stop();
    }));
});

describe("2, a loss without withAutomaticReconnect()", () => {
  it("bare: is the end", () =>
    withChat(async (sim) => {
      const connection = bare(sim);
      const told = toldBy(connection);
      await connection.start();
      sim.dropConnections();
      await until(() => told.length > 0);
      expect(told[0]).toMatch(/^closed Error: WebSocket closed with status code: 1006/);
    }));
  it("wrapped: is followed by a reconnection", () =>
    withChat(async (sim) => {
      const connection = wrapped(sim);
      const told = toldBy(connection);
      await connection.start();
      sim.dropConnections();
      await until(() => told.length === 2);
      expect(told[0]).toMatch(/^reconnecting Error: WebSocket closed with status code: 1006/);
      expect(told[1]).toBe("reconnected");
      await connection.stop();
    }));
});

describe("3, a close that allows no reconnection, with withAutomaticReconnect()", () => {
  it("bare: is the end", () =>
    withChat(async (sim) => {
      const connection = bare(sim, (builder) => builder.withAutomaticReconnect());
      const told = toldBy(connection);
      await connection.start();
      sim.closeConnections({ error: "Bye." });
      await until(() => told.length > 0);
      expect(told).toEqual(["closed Error: Server returned an error on close: Bye."]);
    }));
  it("wrapped: is followed by a reconnection", () =>
    withChat(async (sim) => {
      const connection = wrapped(sim, (builder) => builder.withAutomaticReconnect());
      const told = toldBy(connection);
      await connection.start();
      sim.closeConnections({ error: "Bye." });
      await until(() => told.length === 2);
      expect(told[1]).toBe("reconnected");
      await connection.stop();
    }));
});

describe("4, a callback that throws", () => {
  const laterOnes = async (sim: SignalRSimulator, connection: HubConnection): Promise<number> => {
    let called = 0;
    connection.onclose(() => {
      throw new Error("theirs");
    });
    connection.onclose(() => (called += 1));
    await connection.start();
    await connection.stop();
    await until(() => sim.journal.alive().length === 0);
    return called;
  };
  it("bare: keeps the later ones from being called", () =>
    withChat(async (sim) => {
      expect(await laterOnes(sim, bare(sim))).toBe(0);
    }));
  it("wrapped: keeps nobody from anything", () =>
    withChat(async (sim) => {
      expect(await laterOnes(sim, wrapped(sim))).toBe(1);
    }));
});

describe("5, stop() while an upgrade is never answered", () => {
  const stopped = async (sim: SignalRSimulator, connection: HubConnection): Promise<string> => {
    sim.faults.always("transport", neverAnswer());
    connection.start().catch(() => undefined);
    await until(() => sim.journal.requests().some(({ step }) => step === "transport"));
    const stop = connection.stop().then(() => "stopped");
    const wait = new Promise<string>((resolve) => setTimeout(resolve, 1_500, `pending, ${connection.state}`));
    return Promise.race([stop, wait]);
  };
  it("bare: is pending", () =>
    withChat(async (sim) => {
      expect(await stopped(sim, bare(sim))).toBe("pending, Disconnecting");
    }));
  it("wrapped: resolves", () =>
    withChat(async (sim) => {
      expect(await stopped(sim, wrapped(sim))).toBe("stopped");
    }));
});

describe("6, no transport is given and there are no WebSockets", () => {
  const noWebSockets = (sim: SignalRSimulator): unknown => sim.faults.always("transport", answer(404));
  const transports = (sim: SignalRSimulator): number =>
    sim.journal.requests().filter(({ step }) => step === "transport").length;
  it("bare: one start() tries all three", () =>
    withChat(async (sim) => {
      noWebSockets(sim);
      await expect(bare(sim).start()).rejects.toThrow("any of the available transports");
      expect(transports(sim)).toBe(3);
      expect(sim.journal.negotiates("service")).toHaveLength(3);
    }));
  it("wrapped: each attempt tries WebSockets", () =>
    withChat(async (sim) => {
      noWebSockets(sim);
      const connection = wrapped(sim);
      const started = connection.start().catch(() => undefined);
      await until(() => transports(sim) === 2);
      expect(sim.journal.negotiates("app")).toHaveLength(2);
      await connection.stop();
      await started;
    }));
});

describe("7, skipNegotiation", () => {
  const options = { skipNegotiation: true, transport: HttpTransportType.WebSockets };
  it("bare: is built, and cannot connect", () =>
    withChat(async (sim) => {
      const connection = bare(sim, (builder) => builder.withUrl(sim.url("chat"), options));
      await expect(connection.start()).rejects.toThrow("WebSocket failed to connect");
    }));
  it("wrapped: is refused by build()", () =>
    withChat(async (sim) => {
      expect(() => wrapped(sim, (builder) => builder.withUrl(sim.url("chat"), options))).toThrow(
        "selfHosted",
      );
      await Promise.resolve();
    }));
});

describe("8, the service's token when reconnecting", () => {
  const leaks = async (sim: SignalRSimulator, connection: HubConnection): Promise<number> => {
    const told = toldBy(connection);
    await connection.start();
    sim.dropConnections();
    await until(() => told.includes("reconnected"));
    await connection.stop();
    return sim.journal.negotiates("app").filter(({ token }) => token?.issuer === "redirect").length;
  };
  it("bare: goes to the app server", () =>
    withChat(async (sim) => {
      expect(
        await leaks(
          sim,
          bare(sim, (builder) => builder.withAutomaticReconnect([0, 0])),
        ),
      ).toBe(1);
    }));
  it("wrapped: does not", () =>
    withChat(async (sim) => {
      expect(await leaks(sim, wrapped(sim))).toBe(0);
    }));
});
