import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { lockSignal } from "@holdfast/service-bus";
import { loseAcknowledgement, serverBusy } from "@holdfast/simulators/service-bus";
import { queue } from "./scenarios.ts";
import { dispositions, ended, one, times, type WorkScenario } from "./work-scenario.ts";

/** Receivers, for `npm run baseline`. */
export const receivingWork: readonly WorkScenario[] = [
  {
    claim: "M-10",
    title: "a handler of 12 s, a lock of 5 s, and the first renewal is refused: server busy",
    isLong: true,
    options: { queues: [{ name: queue, lockDurationMs: 5_000 }] },
    messages: [{ body: 1 }],
    arrange: (bus) => void bus.faults.next("renew-lock", serverBusy({ waitSeconds: 1 })),
    async work(client) {
      let calls = 0;
      client.createReceiver(queue).subscribe(
        {
          processMessage: async () => {
            calls += 1;
            await sleep(12_000);
          },
          processError: () => Promise.resolve(),
        },
        { maxConcurrentCalls: 2 },
      );
      await sleep(20_000);
      return `the handler is called ${times(calls)}`;
    },
    saw: dispositions,
  },
  {
    claim: "M-11",
    title: "the service gives a message's lock away while it is handled for 6 s, lock 5 s",
    isLong: true,
    options: { queues: [{ name: queue, lockDurationMs: 5_000 }] },
    messages: [{ body: 1 }],
    arrange(bus) {
      const handled = setInterval(() => {
        if (bus.journal.delivered(queue).length === 0) return;
        clearInterval(handled);
        setTimeout(() => bus.queue(queue).expireLocks(), 500);
      }, 20);
    },
    async work(client) {
      let calls = 0;
      let effects = 0;
      client.createReceiver(queue).subscribe({
        processMessage: async (message) => {
          calls += 1;
          // The official client has nothing that tells.
          const signal = "createProcessor" in client ? lockSignal(message) : undefined;
          await sleep(6_000, undefined, signal && { signal });
          effects += 1;
        },
        processError: () => Promise.resolve(),
      });
      await sleep(20_000);
      return `the handler is called ${times(calls)}, its effect happens ${times(effects)}`;
    },
    saw: dispositions,
  },
  {
    claim: "M-12",
    title: "a session is held by a client that has gone, lock 5 s",
    options: { queues: [{ name: queue, requiresSession: true, lockDurationMs: 5_000 }] },
    messages: [{ body: 1, sessionId: "held" }],
    async work(client, connectionString) {
      const holder = new OfficialClient(connectionString);
      await holder.acceptSession(queue, "held", { maxAutoLockRenewalDurationInMs: 0 });
      // The official client does not know the option, and ignores it.
      const options = { whenHeld: "wait" };
      return ended(client.acceptSession(queue, "held", options as object), () => "accepts it");
    },
    saw: (bus) =>
      bus.journal
        .sessions(queue)
        .map(({ event }) => event)
        .filter((event) => event === "refused" || event === "accepted" || event === "expired")
        .join(", "),
  },
  {
    claim: "M-13",
    title: "the confirmation of a completion is lost",
    options: { queues: [queue] },
    messages: [{ body: 1 }],
    arrange: (bus) => void bus.faults.next("settle", loseAcknowledgement()),
    async work(client) {
      const { message, receiver } = await one(client);
      return ended(receiver.completeMessage(message), () => "resolves");
    },
    saw: dispositions,
  },
  {
    claim: "M-15",
    title: "the socket falls silent while receiveMessages() waits for up to 2 s",
    options: { queues: [queue] },
    messages: [{ body: 1 }],
    // The first message comes, then nothing.
    async work(client) {
      const { message, receiver } = await one(client);
      await receiver.completeMessage(message);
      return ended(
        receiver.receiveMessages(1, { maxWaitTimeInMs: 2_000 }),
        (messages) => `returns ${String((messages as unknown[]).length)} messages`,
      );
    },
    arrange: (bus) => {
      const frozen = setInterval(() => {
        if (bus.journal.settled(queue).length === 0) return;
        clearInterval(frozen);
        // Once the confirmation has arrived.
        setTimeout(() => bus.freeze(), 200);
      }, 20);
    },
    saw: dispositions,
  },
  {
    claim: "M-17",
    title: "a message that the handler can never handle",
    isLong: true,
    options: { queues: [queue] },
    messages: [{ body: 1 }],
    async work(client) {
      const calls: number[] = [];
      const processMessage = (): Promise<void> => {
        calls.push(performance.now());
        return Promise.reject(new Error("never"));
      };
      // The processor is ours alone; the official client's way is a subscription.
      if ("createProcessor" in client) {
        type Create = (entity: string, handler: () => Promise<void>, options: object) => unknown;
        (client as unknown as { createProcessor: Create }).createProcessor(queue, processMessage, {
          deadLetterAfter: 3,
        });
      } else {
        client.createReceiver(queue).subscribe({ processMessage, processError: () => Promise.resolve() });
      }
      await sleep(15_000);
      return `the handler is called ${times(calls.length)} in ${((calls.at(-1)! - calls[0]!) / 1_000).toFixed(1)} s`;
    },
    saw: (bus) =>
      bus.journal
        .deadLettered(queue)
        .map(({ reason, by }) => `dead-lettered by the ${by}: ${reason ?? "no reason"}`)
        .join(", ") || "not dead-lettered yet",
  },
];
