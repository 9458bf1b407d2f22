import { spawn } from "node:child_process";
import {
  blackHole,
  halfOpen,
  ignore,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";

const program = `
  import { ServiceBusClient } from "@holdfast/service-bus";
  const options = JSON.parse(process.argv[2] ?? "{}");
  const client = new ServiceBusClient(process.argv[1], { resilience: { closeTimeoutMs: 300 }, ...options });
  client.createSender("orders").sendMessages({ body: 1 }).catch(() => {});
  setTimeout(async () => { await client.close(); console.log("closed"); }, 700);
`;

it.each<[string, (bus: ServiceBusSimulator) => unknown]>([
  ["the connection was accepted and never answered", (bus) => bus.faults.always("connect", blackHole())],
  ["the connection fell silent", (bus) => bus.faults.always("connect", halfOpen(0))],
  ["the detach was never answered", (bus) => bus.faults.always("detach", ignore())],
])("lets the process exit by itself after close() when %s", async (_, arrange) => {
  const bus = await serviceBus({ queues: ["orders"] });
  arrange(bus);
  await expectExit(bus, bus.connectionString);
});

it.each(["auto", "websockets"])(
  "lets the process exit by itself after close() when a connection of transport %s fell silent",
  async (transport) => {
    const bus = await serviceBus({ queues: ["orders"], tls: true, webSocket: true });
    bus.faults.always("connect", halfOpen(0));
    const { endpoint, ca } = bus.webSocket!.secure!;
    await expectExit(bus, bus.tls!.connectionString, {
      transport,
      webSocketOptions: { webSocketConstructorOptions: { ca } },
      ...(transport === "websockets" && { customEndpointAddress: endpoint }),
    });
  },
);

async function expectExit(bus: ServiceBusSimulator, connectionString: string, options = {}): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      ...["--import", "tsx", "--conditions=source", "--input-type=module", "-e", program],
      ...[connectionString, JSON.stringify(options)],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve)); // "closed"
    const exit = await Promise.race([
      new Promise<string>((resolve) => child.once("exit", () => resolve("exited"))),
      new Promise<string>((resolve) => setTimeout(resolve, 8_000, "still running 8 s after close()")),
    ]);
    expect(exit).toBe("exited");
  } finally {
    child.kill("SIGKILL");
    await bus.close();
  }
}
