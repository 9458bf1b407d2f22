import { serviceBusPolicies } from "@holdfast/service-bus";
import { expect, it } from "vitest";
import { queue, receivingBench } from "./receiving-bench.ts";

it("gives no connection up for an answer that came while the process stood still", async () => {
  const policies = serviceBusPolicies({ "serviceBus.renew": { attemptTimeoutMs: 300 } });
  await using at = await receivingBench({}, { resilience: { policies } });
  await at.fill(1);
  const receiver = at.client.createReceiver(queue);
  const [message] = await receiver.receiveMessages(1);
  await receiver.renewMessageLock(message!);
  const before = at.bus.journal.renewals(queue).length;
  const connections = at.bus.journal.connections().length;
  const renewing = receiver.renewMessageLock(message!);
  // The answer is on its way once the service has written it down: nobody reads it before the time is over.
  while (at.bus.journal.renewals(queue).length === before) await new Promise(setImmediate);
  const until = performance.now() + 500;
  while (performance.now() < until);
  await renewing;
  await receiver.completeMessage(message!);
  expect(at.events.filter(({ type }) => type === "recycled")).toEqual([]);
  expect(at.bus.journal.connections()).toHaveLength(connections);
  expect(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed", via: "link" }]);
});
