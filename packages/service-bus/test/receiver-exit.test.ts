import { spawn } from "node:child_process";
import { halfOpen, ignore, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";

const program = `
  import { ServiceBusClient } from "@holdfast/service-bus";
  const client = new ServiceBusClient(process.argv[1], { resilience: { closeTimeoutMs: 300 } });
  const receiver = client.createReceiver("orders");
  if (process.argv[2] === "batch") {
    const messages = await receiver.receiveMessages(2, { maxWaitTimeInMs: 1000 }).catch(() => []);
    for (const message of messages.slice(1)) await receiver.completeMessage(message).catch(() => {});
  } else {
    receiver.subscribe({ processMessage: async () => {}, processError: async () => {} });
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  if (process.argv[3] === "receiver first") await receiver.close();
  await client.close();
  console.log("closed");
`;

it.each<[string, string, string, (bus: ServiceBusSimulator) => unknown]>([
  ["a batch was received, one message of it not settled", "batch", "client", () => undefined],
  ["a receiver was closed before", "subscription", "receiver first", () => undefined],
  ["a subscription was open", "subscription", "client", () => undefined],
  ["nobody answers", "subscription", "client", (bus) => bus.faults.always("connect", halfOpen(0))],
  ["the detach was never answered", "batch", "client", (bus) => bus.faults.always("detach", ignore())],
])("lets the process exit by itself after close() when %s", async (_, how, order, arrange) => {
  const bus = await serviceBus({ queues: ["orders"] });
  arrange(bus);
  const child = spawn(
    process.execPath,
    [
      ...["--import", "tsx", "--conditions=source", "--input-type=module", "-e", program],
      ...[bus.connectionString, how, order],
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
});
