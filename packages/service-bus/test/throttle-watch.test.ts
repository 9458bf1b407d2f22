import { systemClock, type Clock } from "@holdfast/core";
import { serverBusy, serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ServiceBusClient, type HoldfastEvent } from "@holdfast/service-bus";

it("SBC-046 tells once of throttling that lasts, and what the service documents to do about it", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  bus.faults.always("send", serverBusy({ waitSeconds: 0 }));
  let movedMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + movedMs };
  const events: HoldfastEvent[] = [];
  const retries = (): number => events.filter(({ type }) => type === "retry").length;
  const told = () => events.filter((event) => event.type === "throttled.sustained");
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { clock, onEvent: (event) => events.push(event), closeTimeoutMs: 0 },
  });
  /** Lets so much time pass, and a refusal come after it. */
  const pass = async (ms: number): Promise<void> => {
    movedMs += ms;
    const before = retries();
    void client
      .createSender("orders")
      .sendMessages({ body: 1 })
      .catch(() => undefined);
    await expect.poll(retries).toBeGreaterThan(before);
  };
  try {
    await pass(0);
    await pass(20_000);
    expect(told()).toEqual([]);
    await pass(20_000);
    await pass(20_000);
    expect(told()).toMatchObject([
      { target: bus.host, refusals: expect.any(Number), advice: expect.stringContaining("Premium") },
    ]);
    expect(told()[0]!.forMs).toBeGreaterThanOrEqual(30_000);
    await pass(120_000);
    expect(told()).toHaveLength(1);
    await pass(20_000);
    await pass(20_000);
    expect(told()).toHaveLength(2);
  } finally {
    await client.close();
    await bus.close();
  }
});
