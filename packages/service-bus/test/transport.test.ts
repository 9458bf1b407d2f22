import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import WebSocket from "ws";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ServiceBusClient, type ServiceBusClientOptions } from "@holdfast/service-bus";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of open.splice(0).reverse()) await close();
});

/** A namespace that serves AMQP in WebSockets over TLS, and what a client needs to trust it. */
async function namespace(): Promise<{ bus: ServiceBusSimulator; options: ServiceBusClientOptions }> {
  const bus = await serviceBus({ queues: ["orders"], tls: true, webSocket: true });
  open.push(() => bus.close());
  const { endpoint, ca } = bus.webSocket!.secure!;
  return {
    bus,
    options: {
      transport: "websockets",
      customEndpointAddress: endpoint,
      webSocketOptions: { webSocketConstructorOptions: { ca } },
    },
  };
}

/** A proxy for HTTPS, and the hosts that it was asked to connect to. */
async function proxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer();
  server.on("connect", (request, socket, head) => {
    asked.push(request.url!);
    const [host, port] = request.url!.split(":");
    const target = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    const cut = (): void => {
      socket.destroy();
      target.destroy();
    };
    for (const end of [socket, target]) end.on("error", cut);
    open.push(async () => {
      cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.unshift(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function send(bus: ServiceBusSimulator, options: ServiceBusClientOptions): Promise<ServiceBusClient> {
  const client = new ServiceBusClient(bus.connectionStringFor(), options);
  open.push(() => client.close());
  await client.createSender("orders").sendMessages({ body: "through port 443" });
  expect(bus.journal.stored("orders")).toHaveLength(1);
  return client;
}

describe("transport", () => {
  it('SBC-041 "websockets" needs nothing else', async () => {
    const { bus, options } = await namespace();
    await send(bus, options);
    expect(bus.journal.connections().map(({ transport }) => transport)).toEqual(["wss"]);
  });

  it("receives over WebSockets too, and comes back after an outage", async () => {
    const { bus, options } = await namespace();
    const client = await send(bus, options);
    const [message] = await client.createReceiver("orders").receiveMessages(1);
    expect(message!.body).toBe("through port 443");
    await bus.restart({ downMs: 300 });
    await client.createSender("orders").sendMessages({ body: "again" });
    expect(bus.journal.stored("orders")).toHaveLength(2);
  });

  it("SBC-043 goes through the environment's proxy", async () => {
    const { bus, options } = await namespace();
    const { url, asked } = await proxy();
    vi.stubEnv("HTTPS_PROXY", url);
    vi.stubEnv("NO_PROXY", "");
    await send(bus, options);
    expect(asked).toEqual([new URL(options.customEndpointAddress!).host]);
  });

  it("SBC-043 passes the proxy by for what NO_PROXY names", async () => {
    const { bus, options } = await namespace();
    const { url, asked } = await proxy();
    vi.stubEnv("HTTPS_PROXY", url);
    vi.stubEnv("NO_PROXY", "example.com,localhost");
    await send(bus, options);
    expect(asked).toEqual([]);
  });

  it("says which words there are, and what contradicts itself", async () => {
    const make = (options: object) => () =>
      new ServiceBusClient("Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=k", options);
    expect(make({ transport: "ws" })).toThrow(/transport must be "tcp", "websockets" or "auto"; got "ws"/);
    expect(make({ transport: "tcp", webSocketOptions: { webSocket: WebSocket } })).toThrow(
      /beside webSocketOptions/,
    );
  });
});
