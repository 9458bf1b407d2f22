import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import rhea from "rhea";
import { afterEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { dropConnection, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { officialClient, plainWebSocket } from "./support/official-client.ts";
import { next, plainCredentials } from "./support/raw-client.ts";

let bus: ServiceBusSimulator;

afterEach(async () => {
  await bus.close();
});

/** Sends one message over a raw connection. */
async function sendOver(options: Record<string, unknown>): Promise<void> {
  const connection = rhea
    .create_container()
    .connect({ reconnect: false, ...plainCredentials(bus), ...options } as never);
  connection.on("disconnected", () => undefined);
  await next(connection, "connection_open");
  const sender = connection.open_sender("orders");
  await next(sender, "sendable");
  sender.send({ body: 1 });
  await next(sender, "accepted");
  connection.close();
  await next(connection, "connection_close");
}

describe("transports", () => {
  it("serve TLS with a certificate that its own PEM vouches for", async () => {
    bus = await serviceBus({ queues: ["orders"], tls: true });
    const { port, ca } = bus.tls ?? { port: 0, ca: "" };
    await sendOver({ transport: "tls", host: "localhost", servername: "localhost", port, ca });
    await sendOver({ transport: "tls", host: "127.0.0.1", servername: "", port, ca });
    expect(bus.journal.connections().map(({ transport }) => transport)).toEqual(["tls", "tls"]);
  });

  it("serve the official client over TLS when its process trusts the certificate", async () => {
    bus = await serviceBus({ queues: ["orders"], tls: true });
    const { writeFile, mkdtemp, rm } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const folder = await mkdtemp(`${tmpdir()}/simulator-`);
    await writeFile(`${folder}/ca.pem`, bus.tls?.ca ?? "");
    const script = `
      const { ServiceBusClient } = require("@azure/service-bus");
      const client = new ServiceBusClient(${JSON.stringify(bus.tls?.connectionString)});
      client.createSender("orders").sendMessages({ body: "over tls" }).then(() => client.close());`;
    await promisify(execFile)(process.execPath, ["-e", script], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { ...process.env, NODE_EXTRA_CA_CERTS: `${folder}/ca.pem` },
    });
    await rm(folder, { recursive: true });
    expect(bus.journal.stored("orders")[0]?.body).toBe("over tls");
  });

  it("serve the official client over plain WebSocket", async () => {
    bus = await serviceBus({ queues: ["orders"], webSocket: true });
    const client = officialClient(bus, plainWebSocket(bus), bus.connectionStringFor());
    await client.createSender("orders").sendMessages({ body: "over ws" });
    const [message] = await client.createReceiver("orders").receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    expect(message?.body).toBe("over ws");
    await client.close();
    expect(bus.journal.connections()[0]?.transport).toBe("ws");
  });

  it("serve the official client over secure WebSocket, and drop it when told to", async () => {
    bus = await serviceBus({ queues: ["orders"], webSocket: true, tls: true });
    const secure = bus.webSocket?.secure;
    const client = officialClient(
      bus,
      {
        webSocketOptions: { webSocket: WebSocket, webSocketConstructorOptions: { ca: secure?.ca } },
        customEndpointAddress: secure?.endpoint ?? "",
      },
      bus.connectionStringFor(),
    );
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: "over wss" });
    expect(bus.journal.connections()[0]?.transport).toBe("wss");
    bus.dropConnections();
    // The client needs a moment to hear of it; a send on the dead connection would wait for its time-out.
    await sleep(100);
    await sender.sendMessages({ body: "again" });
    expect(bus.journal.stored("orders")).toHaveLength(2);
    await client.close();
  });

  it("answer a WebSocket at another path with 404, and one without the subprotocol with none", async () => {
    bus = await serviceBus({ queues: [], webSocket: true });
    const elsewhere = new WebSocket(`ws://127.0.0.1:${String(bus.webSocket?.port)}/elsewhere`, "AMQPWSB10");
    const message = await new Promise<string>((resolve) => {
      elsewhere.on("error", (error) => {
        resolve(error.message);
      });
    });
    expect(message).toContain("404");
  });

  it.each(["tls", "wss"] as const)(
    "reset a connection over %s in the middle of a send",
    async (transport) => {
      bus = await serviceBus({ queues: ["orders"], tls: true, webSocket: true });
      bus.faults.next("send", dropConnection({ stored: true }));
      const options =
        transport === "tls"
          ? { transport, host: "localhost", servername: "localhost", port: bus.tls?.port, ca: bus.tls?.ca }
          : {
              connection_details: rhea.websocket_connect(WebSocket)(
                bus.webSocket?.secure?.url ?? "",
                [bus.webSocket?.subprotocol ?? ""],
                { ca: bus.tls?.ca },
              ),
            };
      const connection = rhea
        .create_container()
        .connect({ reconnect: false, ...plainCredentials(bus), ...options } as never);
      const disconnected = next(connection, "disconnected");
      await next(connection, "connection_open");
      const sender = connection.open_sender("orders");
      await next(sender, "sendable");
      sender.send({ body: 1 });
      await disconnected;
      expect(bus.journal.stored("orders")).toHaveLength(1);
      expect(bus.journal.connections()).toMatchObject([
        { transport, closedAt: expect.any(Number) as number },
      ]);
    },
  );
});
