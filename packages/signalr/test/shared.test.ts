import { describe, expect, it, vi } from "vitest";
import { failureOf, sharedHubConnection, withHubConnection, type HubConnection } from "@holdfast/signalr";
import { answer } from "@holdfast/simulators/signalr";
import { outcome, scene, stateOf, until } from "./scene.ts";

describe("withHubConnection()", () => {
  it("stops the connection whatever becomes of the work", async () => {
    await using s = await scene();
    const connection = (): HubConnection => s.another();
    const value = await withHubConnection({ connection }, (one) => one.invoke("Echo", 1));
    expect(value).toBe(1);
    const failing = withHubConnection({ connection }, () => Promise.reject(new Error("theirs")));
    await expect(failing).rejects.toThrow("theirs");
    await until(() => s.sim.journal.alive().length === 0);
    expect(s.sim.journal.connections()).toHaveLength(2);
  });

  it("shares one connection among all who give the same key", async () => {
    await using s = await scene();
    const connection = (): HubConnection => s.another();
    const work = (value: number): Promise<number> =>
      withHubConnection({ connection, key: "M-23", lingerMs: 0 }, (one) => one.invoke<number>("Echo", value));
    const values = Array.from({ length: 50 }, (_, index) => index);
    expect(await Promise.all(values.map(work))).toEqual(values);
    await until(() => s.sim.journal.alive().length === 0);
    expect(s.sim.journal.connections()).toHaveLength(1);
  });
});

describe("a shared connection", () => {
  it("stays for a while for the next user", async () => {
    await using s = await scene();
    const take = (lingerMs: number) => sharedHubConnection("linger", () => s.another(), { lingerMs });
    const first = await take(2_000);
    await first.release();
    await first.release();
    const second = await take(0);
    expect(second.connection).toBe(first.connection);
    await second.release();
    expect(stateOf(second.connection)).toBe("Disconnected");
  });

  it("that cannot start tells everybody who waits, and the next one begins anew", async () => {
    await using s = await scene();
    s.sim.faults.next("app-negotiate", answer(403));
    const take = () => sharedHubConnection("failing", () => s.another(), { lingerMs: 0 });
    const [one, other] = await Promise.all([outcome(take()), outcome(take())]);
    expect(failureOf(one.error)).toMatchObject({ id: "forbidden" });
    expect(other.error).toBe(one.error);
    await using third = await take();
    expect(stateOf(third.connection)).toBe("Connected");
  });
});

describe("many connections", () => {
  it("make one warning that says where they were built", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await using s = await scene({ resilience: { warnAboveConnections: 3 } });
    const many = Array.from({ length: 6 }, () => s.another());
    for (const one of many) await one.start();
    expect(warned).toHaveBeenCalledTimes(1);
    const [event] = s.events.filter(({ type }) => type === "many-connections");
    expect(event).toMatchObject({
      live: 4,
      builtAt: expect.arrayContaining([expect.stringMatching(/scene\.ts/)]),
    });
    for (const one of many) await one.stop();
    for (const one of many) await one.start();
    expect(warned).toHaveBeenCalledTimes(2);
    warned.mockRestore();
  });
});
