import { describe, expect, it } from "vitest";
import { returned, scene, stateOf, until, type Scene } from "./scene.ts";

const stateful = (): Promise<Scene> => scene({ also: (builder) => builder.withStatefulReconnect() });

const open = ({ sim }: Scene): number =>
  sim.journal.requests().filter(({ step, status }) => step === "transport" && status === 101).length;

describe("a stateful connection", () => {
  it("goes on under the same id after a drop, with nothing lost", async () => {
    await using s = await stateful();
    let told = 0;
    s.connection.onreconnecting(() => (told += 1));
    await s.connection.start();
    const { connectionId } = s.connection;
    const calls = Array.from({ length: 20 }, (_, index) => s.connection.invoke("Echo", index));
    s.sim.dropConnections();
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(s.connection.connectionId).toBe(connectionId);
    expect(told).toBe(0);
    expect(s.sim.journal.invocations()).toHaveLength(20);
  });

  it("is made anew when it cannot go on", async () => {
    await using s = await stateful();
    await s.connection.start();
    const { connectionId } = s.connection;
    await s.sim.restart({ downMs: 200 });
    await returned(s, [connectionId]);
    expect(await s.connection.invoke("Echo", 1)).toBe(1);
  });

  it("leaves no socket behind when the server closes it and allows a reconnection", async () => {
    await using s = await stateful();
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.closeConnections({ error: "Restarting.", allowReconnect: true });
    await returned(s, [connectionId]);
    expect(await s.connection.invoke("Echo", 1)).toBe(1);
    await s.connection.stop();
    await until(() => s.sim.journal.alive().length === 0);
    expect(stateOf(s.connection)).toBe("Disconnected");
    expect(open(s)).toBe(2);
  });

  it("leaves no socket behind when nothing is heard from the server", async () => {
    await using s = await scene({
      simulator: { keepAliveMs: 60_000 },
      also: (builder) => builder.withStatefulReconnect().withServerTimeout(300).withKeepAliveInterval(150),
    });
    await s.connection.start();
    const { connectionId } = s.connection;
    await returned(s, [connectionId]);
    await s.connection.stop();
    await until(() => s.sim.journal.alive().length === 0);
    expect(open(s)).toBe(s.sim.journal.negotiates("app").length);
  });
});
