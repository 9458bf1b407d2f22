import { spawn } from "node:child_process";
import dns from "node:dns";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { serviceBusPolicies, ServiceBusClient } from "@holdfast/service-bus";
import { ignore, refuseToken, serviceBus } from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { failLookupsFor } from "./lookup.ts";
import { queue } from "./scenarios.ts";
import { failed, wrappedScene, type WrappedScene } from "./wrapped-scene.ts";

/** Gives up after so long; whatever comes before the step in question has to be over by then. */
function givingUpAfter(ms: number): { policies: ReturnType<typeof serviceBusPolicies>; closeTimeoutMs: 0 } {
  const bounds = { attemptTimeoutMs: ms, deadlineMs: ms * 1.2 };
  const policies = serviceBusPolicies({
    "serviceBus.connect": { attemptTimeoutMs: ms },
    "serviceBus.send": bounds,
    "serviceBus.peek": bounds,
  });
  return { policies, closeTimeoutMs: 0 };
}

const [soon, later] = [givingUpAfter(300), givingUpAfter(2_500)];
const key = "SharedAccessKeyName=name;SharedAccessKey=c2VjcmV0";

const sending = (client: ServiceBusClient, to = queue) => client.createSender(to).sendMessages({ body: 1 });
const peeking = (client: ServiceBusClient) => client.createReceiver(queue).peekMessages(1);

async function stepOf(call: Promise<unknown>): Promise<string | undefined> {
  const { failure } = await failed(call);
  expect(failure.kind).not.toBe("cancelled");
  return failure.step;
}

/** A client of a namespace at an address where something else is. */
function clientOf(host: string, resilience = soon): ServiceBusClient {
  return new ServiceBusClient(`Endpoint=sb://${host}/;${key}`, { resilience });
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe.concurrent("SBC-039 failureOf().step names the step of connecting that", () => {
  it("failed, or had no answer: the name", async () => {
    await using client = clientOf("namespace.holdfast.test");
    const restore = failLookupsFor(60_000);
    expect(await stepOf(sending(client))).toBe("dns");
    restore();
    const original = dns.lookup;
    const silent = (host: string, ...rest: unknown[]): unknown =>
      host.endsWith(".holdfast.test") ? undefined : Reflect.apply(original, dns, [host, ...rest]);
    dns.lookup = silent as unknown as typeof dns.lookup;
    expect(await stepOf(sending(client))).toBe("dns");
    expect(await stepOf(peeking(client))).toBe("dns");
    dns.lookup = original;
  });

  it("failed: the TCP connection", async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    await using client = clientOf(`127.0.0.1:${String(port)}`);
    expect(await stepOf(sending(client))).toBe("tcp");
  });

  it("had no answer: the TCP connection", async () => {
    // A process that stands still takes no connection, and the system none more for it.
    const text = `const s = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      console.log(s.address().port); process.kill(process.pid, "SIGSTOP"); });`;
    const child = spawn(process.execPath, ["-e", text], { stdio: ["ignore", "pipe", "ignore"] });
    const port = Number(String((await once(child.stdout, "data"))[0]));
    const others = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
    await expect.poll(() => others.filter(({ connecting }) => !connecting).length).toBeGreaterThan(0);
    const client = clientOf(`127.0.0.1:${String(port)}`);
    const step = await stepOf(sending(client)).finally(() => child.kill("SIGKILL"));
    for (const other of others) other.destroy();
    await client.close();
    expect(step).toBe("tcp");
  });

  it("had no answer, or one that is no TLS: TLS", async () => {
    const silent = createServer();
    await using client = clientOf(`127.0.0.1:${String(await listening(silent))}`, later);
    expect(await stepOf(sending(client))).toBe("tls");
    const plain = createServer((socket) =>
      socket.on("error", () => undefined).end("HTTP/1.1 400 Bad\r\n\r\n"),
    );
    await using another = clientOf(`127.0.0.1:${String(await listening(plain))}`);
    expect(await stepOf(sending(another))).toBe("tls");
    for (const server of [silent, plain]) server.close();
  });

  it("was refused: the WebSocket's upgrade", async () => {
    const bus = await serviceBus({ queues: [queue], tls: true, webSocket: true });
    const { ca, endpoint } = bus.webSocket!.secure!;
    await using client = new ServiceBusClient(bus.connectionStringFor(), {
      ...{ resilience: later, transport: "websockets", customEndpointAddress: endpoint },
      webSocketOptions: {
        // A path that the service does not serve, as a proxy would not.
        webSocket: class extends WebSocket {
          constructor(url: string, protocols: string[], options: object) {
            super(url.replace("$servicebus", "elsewhere"), protocols, options);
          }
        } as never,
        webSocketConstructorOptions: { ca },
      },
    });
    expect(await stepOf(sending(client))).toBe("websocket");
    await bus.close();
  });

  it.each([
    ["amqp", (at: WrappedScene) => at.bus.faults.always("open", ignore())],
    ["authorization", (at: WrappedScene) => at.bus.faults.always("cbs", ignore())],
    ["link", (at: WrappedScene) => at.bus.faults.always("attach", ignore())],
  ] as const)("had no answer: %s", async (step, arrange) => {
    await using at = await wrappedScene({}, later);
    arrange(at);
    const steps = await Promise.all([stepOf(sending(at.client)), stepOf(peeking(at.client))]);
    expect(steps).toEqual([step, step]);
  });

  it("was refused: the token, the entity", async () => {
    await using at = await wrappedScene();
    expect(await stepOf(sending(at.client, "ordres"))).toBe("link");
    at.bus.faults.always("cbs", refuseToken());
    await using another = new ServiceBusClient(at.bus.connectionString);
    expect(await stepOf(sending(another))).toBe("authorization");
    expect(await stepOf(another.acceptNextSession(queue))).toBe("authorization");
  });

  it("none, when the connection stands and a message is not answered", async () => {
    await using at = await wrappedScene({}, later);
    await sending(at.client);
    at.bus.faults.always("send", ignore());
    expect(await stepOf(sending(at.client))).toBeUndefined();
  });
});
