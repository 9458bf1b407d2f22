import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { answer, closeConnection, signalr } from "@holdfast/simulators/signalr";
import { closed, connected, officialClient } from "./official-client.ts";

describe("the two servers", () => {
  it("let the process exit by itself when they are closed, whatever was left open", async () => {
    const script = `
      import { signalr } from "./src/signalr/index.ts";
      import { createRequire } from "node:module";
      const { HubConnectionBuilder, LogLevel } = createRequire(import.meta.url)("@microsoft/signalr");
      const simulator = await signalr({ hubs: ["chat"], tls: true });
      for (const transport of [1, 2, 4]) {
        const connection = new HubConnectionBuilder().configureLogging(LogLevel.None)
          .withUrl(simulator.url("chat"), { transport }).build();
        await connection.start();
      }
      await fetch(simulator.url("chat") + "/negotiate", { method: "POST" });
      await simulator.close();
      console.log("closed");`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script],
      { cwd: fileURLToPath(new URL("../..", import.meta.url)), timeout: 60_000 },
    );
    expect(stdout).toContain("closed");
  });

  it("run beside others without sharing anything, and cannot be started again once closed", async () => {
    await using first = await signalr({ hubs: ["chat"] });
    const second = await signalr({ hubs: ["chat"] });
    await (await connected(first.url("chat"))).stop();
    expect(second.journal.requests()).toEqual([]);
    await second.close();
    await second.close();
    await expect(second.start()).rejects.toThrow(/closed/);
    first.journal.clear();
    expect([first.journal.requests(), first.journal.connections(), first.journal.tokens()]).toEqual([
      [],
      [],
      [],
    ]);
  });

  it("redirect a client from the app server to the service, with a token of its own each time", async () => {
    await using simulator = await signalr({ hubs: ["chat"] });
    const connection = await connected(simulator.url("chat"));
    await connection.stop();
    await connection.start();
    await connection.stop();
    const steps = simulator.journal.requests().map(({ server, step, status, token }) => ({
      server,
      step,
      status,
      token: token === undefined ? undefined : `${token.issuer} ${String(token.number)} ${token.place}`,
    }));
    expect(steps).toEqual(
      [1, 2].flatMap((number) => [
        // The second time the official client shows the service's token to the app server.
        {
          server: "app",
          step: "app-negotiate",
          status: 200,
          token: number === 1 ? undefined : "redirect 1 header",
        },
        { server: "service", step: "service-negotiate", status: 200, token: `redirect ${number} header` },
        { server: "service", step: "transport", status: 101, token: `redirect ${number} header` },
      ]),
    );
    expect(simulator.journal.tokens().map(({ number }) => number)).toEqual([1, 2]);
  });

  it("go down and come back on the same ports", async () => {
    await using simulator = await signalr({ hubs: ["chat"] });
    const url = simulator.url("chat");
    const connection = await connected(url);
    const end = closed(connection);
    await simulator.stop();
    expect(await end).toMatchObject({ message: expect.stringContaining("1006") });
    await expect(connected(url)).rejects.toThrow("fetch failed");
    await simulator.start();
    expect(simulator.url("chat")).toBe(url);
    await connection.start();
    expect(simulator.journal.connections().map(({ endedBy }) => endedBy)).toEqual(["network", undefined]);
    await connection.stop();
  });

  it("take the clients down with the app server, and say that the service is not connected", async () => {
    await using simulator = await signalr({ hubs: ["chat"] });
    const connection = await connected(simulator.url("chat"));
    const end = closed(connection);
    await simulator.app.stop();
    expect(await end).toMatchObject({
      message: "Server returned an error on close: Connection closed with an error.",
    });
    await simulator.app.start();
    simulator.service.disconnectServers();
    // The official client's HTTP pool may not have noticed yet that its connection is gone.
    await expect
      .poll(() => connection.start().catch(String))
      .toContain("Azure SignalR Service is not connected yet, please try again later.: Status code '500'");
    simulator.service.connectServers();
    await connection.start();
    await connection.stop();
  });

  it("let a process that dropped every socket be reconnected to", async () => {
    await using simulator = await signalr({ hubs: ["chat"] });
    const connection = await connected(simulator.url("chat"));
    const end = closed(connection);
    simulator.dropConnections();
    expect(await end).toMatchObject({ message: expect.stringContaining("1006") });
    await expect.poll(() => simulator.journal.alive()).toEqual([]);
  });

  it("follow a script of faults, step by step", async () => {
    await using simulator = await signalr({ hubs: ["chat"] });
    simulator.hub("chat").on("Echo", (_call, text: string) => text);
    simulator.faults.next("app-negotiate", answer(503, { retryAfterSeconds: 7 }));
    simulator.faults.next("receive", closeConnection());
    const connection = officialClient(simulator.url("chat"));
    await expect(connection.start()).rejects.toThrow("Status code '503'");
    await connection.start();
    const end = closed(connection);
    await expect(connection.invoke("Echo", "hello")).rejects.toThrow();
    expect(await end).toMatchObject({
      message: "Server returned an error on close: Connection closed with an error.",
    });
    expect(simulator.journal.faults().map(({ step, kind }) => [step, kind])).toEqual([
      ["app-negotiate", "answer"],
      ["receive", "close-connection"],
    ]);
  });
});
