import { delayAcknowledgement, serviceBus } from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { ServiceBusClient } from "@holdfast/service-bus";

async function bench() {
  const bus = await serviceBus({ queues: ["orders"] });
  const client = new ServiceBusClient(bus.connectionString);
  return {
    bus,
    client,
    sender: client.createSender("orders"),
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

const bodies = ["one", "two", "three"];

describe("an array that was sent before the link was open", () => {
  it("SBC-092 is stored when close() is called meanwhile", async () => {
    await using b = await bench();
    const sent = b.sender.sendMessages(bodies.map((body) => ({ body })));
    await b.sender.close();
    await sent;
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).toEqual(bodies);
  });

  it("SBC-092 is waited for by flush()", async () => {
    await using b = await bench();
    b.bus.faults.next("send", delayAcknowledgement(200));
    let isSent = false;
    void b.sender.sendMessages(bodies.map((body) => ({ body }))).then(() => (isSent = true));
    await b.sender.flush();
    expect(isSent).toBe(true);
  });
});
