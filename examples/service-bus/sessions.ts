import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// What belongs together is received in order, by one receiver at a time, which keeps its progress in the session's state.
const queue = "holdfast-example-sessions";
await using ns = await namespace({ queues: [{ name: queue, requiresSession: true }] });
const client = new ServiceBusClient(ns.connectionString);

await client
  .createSender(queue)
  .sendMessages(["a", "b"].flatMap((sessionId) => [1, 2].map((step) => ({ sessionId, body: step }))));

for (let sessions = 0; sessions < 2; sessions += 1) {
  const session = await client.acceptNextSession(queue);
  let done = Number(String((await session.getSessionState()) ?? "0"));
  while (done < 2) {
    for (const message of await session.receiveMessages(2, { maxWaitTimeInMs: 10_000 })) {
      done = message.body as number;
      await session.setSessionState(Buffer.from(String(done)));
      await session.completeMessage(message);
    }
  }
  console.log(`session ${session.sessionId}: ${String(done)} steps done`);
  await session.setSessionState(null);
  await session.close();
}
await client.close();
