import {
  ServiceBusClient as OfficialClient,
  type ServiceBusMessage,
  type ServiceBusSender,
} from "@azure/service-bus";
import { ServiceBusClient } from "@holdfast/service-bus";
import { closing } from "./closing.ts";
import { compareRates } from "./rates.ts";
import type { Result } from "./result.ts";
import { startService } from "./service.ts";

type Work = (sender: ServiceBusSender) => Promise<number>;

interface SendComparison {
  readonly name: string;
  readonly acknowledgementDelayMs: number;
  readonly required?: number;
  readonly aim?: number;
  readonly pairs: number;
  readonly work: Work;
}

let nextId = 0;
// The official client gets ids too, so both encode the same.
const message = (): ServiceBusMessage => ({ body: "x".repeat(200), messageId: String((nextId += 1)) });

const sequential =
  (count: number): Work =>
  async (sender) => {
    for (let index = 0; index < count; index += 1) await sender.sendMessages(message());
    return count;
  };

const concurrent =
  (width: number, count: number): Work =>
  async (sender) => {
    let begun = 0;
    const caller = async (): Promise<void> => {
      while (begun < count) {
        begun += 1;
        await sender.sendMessages(message());
      }
    };
    await Promise.all(Array.from({ length: width }, caller));
    return count;
  };

const burst =
  (count: number): Work =>
  async (sender) => {
    await Promise.all(Array.from({ length: count }, () => sender.sendMessages(message())));
    return count;
  };

const arrays =
  (size: number, count: number): Work =>
  async (sender) => {
    for (let index = 0; index < count; index += 1)
      await sender.sendMessages(Array.from({ length: size }, message));
    return size * count;
  };

const comparisons: readonly SendComparison[] = [
  {
    name: "sequential sends",
    acknowledgementDelayMs: 0,
    required: 0.93,
    aim: 0.97,
    pairs: 12,
    work: sequential(1_000),
  },
  {
    name: "100-way concurrent singles",
    acknowledgementDelayMs: 0,
    required: 2,
    aim: 2.5,
    pairs: 12,
    work: concurrent(100, 10_000),
  },
  { name: "arrays of 100", acknowledgementDelayMs: 0, required: 0.93, pairs: 12, work: arrays(100, 150) },
  {
    name: "100-way, acknowledged after 5 ms",
    acknowledgementDelayMs: 5,
    pairs: 10,
    work: concurrent(100, 8_000),
  },
  {
    name: "100-way, acknowledged after 20 ms",
    acknowledgementDelayMs: 20,
    pairs: 10,
    work: concurrent(100, 4_000),
  },
  // One pair: the official client takes a minute, and the ratio is not close.
  {
    name: "burst of 5000, acknowledged after 200 ms",
    acknowledgementDelayMs: 200,
    required: 30,
    pairs: 1,
    work: burst(5_000),
  },
];

/** Messages a second of ours over those of the official client, in pairs taken in turn, and processor time. */
export async function sendBench(): Promise<Result[]> {
  const results: Result[] = [];
  for (const comparison of comparisons) results.push(...(await compare(comparison)));
  return results;
}

async function compare({ acknowledgementDelayMs, pairs, work, ...about }: SendComparison): Promise<Result[]> {
  await using service = await startService(acknowledgementDelayMs);
  await using bareClient = closing(new OfficialClient(service.connectionString));
  await using oursClient = closing(new ServiceBusClient(service.connectionString));
  const bare = bareClient.client.createSender("orders");
  const ours = oursClient.client.createSender("orders");
  for (const sender of [bare, ours]) await (pairs > 1 ? work(sender) : sender.sendMessages(message())); // Warm.
  return await compareRates({
    ...about,
    pairs,
    bare: () => work(bare),
    ours: () => work(ours),
    prepare: () => service.forget(),
  });
}
