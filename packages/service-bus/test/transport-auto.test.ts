import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import {
  acceptThenClose,
  blackHole,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import WebSocket from "ws";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ServiceBusClient, type HoldfastEvent, type ServiceBusClientOptions } from "@holdfast/service-bus";

type WebSocketImpl = NonNullable<NonNullable<ServiceBusClientOptions["webSocketOptions"]>["webSocket"]>;

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of open.splice(0).reverse()) await close();
});

/** A namespace with both of its ports, and a client that finds out which it can use. The simulator's 443 is another number. */
async function namespace(): Promise<{
  bus: ServiceBusSimulator;
  events: HoldfastEvent[];
  client: (options?: ServiceBusClientOptions) => ServiceBusClient;
}> {
  const bus = await serviceBus({ queues: ["orders"], tls: true, webSocket: true });
  open.push(() => bus.close());
  const events: HoldfastEvent[] = [];
  const secure = bus.webSocket!.secure!;
  const client = (options: ServiceBusClientOptions = {}): ServiceBusClient => {
    const made = new ServiceBusClient(bus.tls!.connectionString, {
      transport: "auto",
      webSocketOptions: { webSocket: to443(bus), webSocketConstructorOptions: { ca: secure.ca } },
      resilience: { onEvent: (event) => events.push(event) },
      ...options,
    });
    open.push(() => made.close());
    return made;
  };
  return { bus, events, client };
}

/** A WebSocket that goes to the simulator's port for 443, whichever it was asked for. */
function to443(bus: ServiceBusSimulator): WebSocketImpl {
  return class extends WebSocket {
    constructor(url: string, protocols?: string | string[], options?: object) {
      super(url.replace(/:\d+/, `:${bus.webSocket!.secure!.port}`), protocols, options);
    }
  };
}

async function certificate(): Promise<{ key: string; cert: string }> {
  const made = await generate([{ name: "commonName", value: "something between" }], {
    keyType: "ec",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
    ],
  });
  return { key: made.private, cert: made.cert };
}

const transports = (bus: ServiceBusSimulator): string[] =>
  bus.journal.connections().map(({ transport }) => transport);

async function send(client: ServiceBusClient): Promise<number> {
  const began = performance.now();
  await client.createSender("orders").sendMessages({ body: "whichever way" });
  return performance.now() - began;
}

describe('transport: "auto"', () => {
  it("takes AMQP's own port where it answers, to send and to receive", async () => {
    const { bus, events, client } = await namespace();
    const made = client();
    await send(made);
    const [message] = await made.createReceiver("orders").receiveMessages(1);
    expect(message!.body).toBe("whichever way");
    expect(transports(bus)).toEqual(["tls", "tls"]);
    expect(events.map(({ type }) => type)).not.toContain("fell-back");
  });

  it("SB-04 goes over WebSockets at once where AMQP's port is refused, and sends once", async () => {
    const { bus, events, client } = await namespace();
    await bus.refuseConnections({ transport: "tls" });
    const made = client();
    expect(await send(made)).toBeLessThan(1_000);
    expect(transports(bus)).toEqual(["wss"]);
    expect(bus.journal.attempts("orders")).toHaveLength(1);
    expect(bus.journal.stored("orders")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "retry")).toEqual([]);
    expect(events.find(({ type }) => type === "fell-back")).toMatchObject({
      ...{ operation: "serviceBus.connect", to: "websockets", forMs: 600_000 },
      fault: { kind: "disconnected", code: "ECONNREFUSED" },
    });
    const [message] = await made.createReceiver("orders").receiveMessages(1);
    expect(message!.body).toBe("whichever way");
  });

  it("says what is wrong with AMQP's port where that is cut before TLS", async () => {
    const { bus, events, client } = await namespace();
    bus.faults.next("connect", acceptThenClose(), { transport: "tls" });
    await send(client());
    expect(transports(bus)).toEqual(["wss"]);
    expect(events.find(({ type }) => type === "fell-back")).toMatchObject({
      fault: { kind: "disconnected", code: "ECONNRESET" },
    });
  });

  it("SBC-041 goes over WebSockets after a second where AMQP's port swallows everything; the process remembers it", async () => {
    const { bus, events, client } = await namespace();
    const swallowed = bus.faults.always("connect", blackHole(), { transport: "tls" });
    const first = await send(client());
    expect(first).toBeGreaterThan(950);
    expect(first).toBeLessThan(2_500);
    // Another client of the process asks AMQP's port no more.
    expect(await send(client())).toBeLessThan(900);
    expect(swallowed.fired).toBe(1);
    expect(transports(bus)).toEqual(["wss", "wss"]);
    expect(events.filter(({ type }) => type === "fell-back")).toHaveLength(1);
  });

  it.each<[string, (socket: TLSSocket) => void]>([
    ["cuts what it does not know", (socket) => socket.destroy()],
    // Reading is what lets it see the end.
    ["swallows what it does not know", (socket) => socket.resume()],
  ])("learns that something on the way takes TLS on AMQP's port and %s", async (_, meet) => {
    const { bus, client } = await namespace();
    let met = 0;
    const { key, cert } = await certificate();
    const between = createTlsServer({ key, cert }, (socket) => {
      met += 1;
      socket.on("error", () => undefined);
      meet(socket);
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    open.unshift(() => new Promise((resolve) => between.close(resolve)));
    const { port } = between.address() as AddressInfo;
    const { ca } = bus.webSocket!.secure!;
    const made = client({
      customEndpointAddress: `https://localhost:${port}`,
      webSocketOptions: {
        webSocket: to443(bus),
        webSocketConstructorOptions: { ca: [ca, cert] },
      },
    });
    await send(made);
    expect(transports(bus)).toEqual(["wss"]);
    expect(bus.journal.stored("orders")).toHaveLength(1);
    expect(met).toBe(1);
  });

  it("tries AMQP's port again when WebSockets stop working", async () => {
    const { bus, client } = await namespace();
    await bus.refuseConnections({ transport: "tls" });
    await send(client());
    await bus.start();
    await bus.refuseConnections({ transport: "wss" });
    await send(client());
    expect(transports(bus)).toEqual(["wss", "tls"]);
    // And stays there.
    await bus.start();
    await send(client());
    expect(transports(bus)).toEqual(["wss", "tls", "tls"]);
  });

  it("tries AMQP's port again ten minutes later", async () => {
    const { bus, client } = await namespace();
    await bus.refuseConnections({ transport: "tls" });
    await send(client());
    await bus.start();
    await send(client());
    const later = performance.now() + 600_001;
    vi.spyOn(performance, "now").mockImplementation(() => later);
    const third = client();
    const sent = third.createSender("orders").sendMessages({ body: "later" });
    await vi.waitFor(() => {
      expect(bus.journal.connections()).toHaveLength(3);
    });
    vi.restoreAllMocks();
    await sent;
    expect(transports(bus)).toEqual(["wss", "wss", "tls"]);
  });

  it("comes back after an outage of both ways, with the service's own error until then", async () => {
    const { bus, events, client } = await namespace();
    await bus.stop();
    const sent = send(client());
    await vi.waitFor(() => {
      expect(events.filter(({ type }) => type === "retry").length).toBeGreaterThan(1);
    });
    const [retry] = events.filter((event) => event.type === "retry");
    expect(retry!.fault).toMatchObject({ kind: "disconnected" });
    expect(retry!.fault.message).toContain("ECONNREFUSED");
    await bus.start();
    await sent;
    expect(bus.journal.stored("orders")).toHaveLength(1);
    expect(events.map(({ type }) => type)).not.toContain("fell-back");
  });

  it("SBC-043 goes through the environment's proxy on port 443 only", async () => {
    const { bus, client } = await namespace();
    const asked: string[] = [];
    const server: Server = createServer();
    server.on("connect", (request, socket, head) => {
      asked.push(request.url!);
      const target = connect(bus.webSocket!.secure!.port, "localhost", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        target.write(head);
        target.pipe(socket).pipe(target);
      });
      for (const end of [socket, target]) end.on("error", () => [socket, target].map((one) => one.destroy()));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.unshift(() => new Promise((resolve) => server.close(resolve)));
    vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv("NO_PROXY", "");
    const { ca } = bus.webSocket!.secure!;
    const webSocketOptions = { webSocketConstructorOptions: { ca } };
    await send(client({ webSocketOptions }));
    expect(asked).toEqual([]);
    await bus.refuseConnections({ transport: "tls" });
    await send(client({ webSocketOptions }));
    expect(asked).toEqual([`localhost:${bus.tls!.port}`]);
    expect(transports(bus)).toEqual(["tls", "wss"]);
  });

  it("stays with TCP for the emulator, which has nothing else", async () => {
    const bus = await serviceBus({ queues: ["orders"] });
    open.push(() => bus.close());
    const made = new ServiceBusClient(bus.connectionString, { transport: "auto" });
    open.push(() => made.close());
    await send(made);
    expect(transports(bus)).toEqual(["tcp"]);
  });
});
