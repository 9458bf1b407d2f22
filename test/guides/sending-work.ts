import { backoff, creditPacing, serviceBusPolicies } from "@holdfast/service-bus";
import { reject, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { queue } from "./scenarios.ts";
import { count, ended, endedAll, type WorkScenario } from "./work-scenario.ts";

const windowMs = 250;

/** The largest share of the repetitions that any 250 ms hold. */
function busiestShare(bus: ServiceBusSimulator, first: number): number {
  const moments = bus.journal
    .attempts(queue)
    .slice(first)
    .map(({ at }) => at)
    .sort((a, b) => a - b);
  const shares = moments.map((at) => moments.filter((other) => other >= at && other < at + windowMs).length);
  return Math.max(...shares) / moments.length;
}

/** Senders, for `npm run baseline`. */
export const sendingWork: readonly WorkScenario[] = [
  {
    claim: "M-02",
    title: "5000 sends at once to a namespace of 1000 credits a second; ours with `pacing`",
    options: { queues: [queue], credits: { perSecond: 1_000 } },
    ours: () => ({ resilience: { pacing: creditPacing.standard } }),
    work(client) {
      const sender = client.createSender(queue);
      return endedAll(Array.from({ length: 5_000 }, (_, body) => sender.sendMessages({ body })));
    },
    saw: (bus) =>
      `${count(bus.journal.stored(queue).length, "message")} stored, ${count(bus.journal.refusals(queue).length, "refusal")}`,
  },
  {
    claim: "M-04",
    title: "200 sends are refused in the same moment, to be repeated; ours with a backoff of 2 s",
    options: { queues: [queue] },
    arrange: (bus) =>
      void bus.faults.next("send", reject({ condition: "amqp:internal-error", description: "try again" }), {
        times: 200,
      }),
    ours: () => ({
      resilience: {
        coalesce: false,
        policies: serviceBusPolicies({
          "serviceBus.send": { backoff: backoff.full({ baseMs: 2_000, capMs: 20_000 }) },
        }),
      },
    }),
    work(client) {
      const sender = client.createSender(queue);
      return endedAll(Array.from({ length: 200 }, (_, body) => sender.sendMessages({ body })));
    },
    saw: (bus) => `${(busiestShare(bus, 200) * 100).toFixed(0)} % of the repetitions come within 250 ms`,
  },
  {
    claim: "M-14",
    title: "an array of 100 messages of 1 KB and one of 300 KB, on a link that takes 256 KB",
    options: { queues: [{ name: queue, maxMessageSizeBytes: 262_144 }] },
    work(client) {
      const sized = (index: number, bytes: number) => ({ messageId: String(index), body: "x".repeat(bytes) });
      const messages = Array.from({ length: 101 }, (_, index) =>
        sized(index, index === 50 ? 300_000 : 1_000),
      );
      return ended(client.createSender(queue).sendMessages(messages), () => "resolves");
    },
    saw: (bus) => `${count(bus.journal.stored(queue).length, "message")} stored`,
  },
];
