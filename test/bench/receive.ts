import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ServiceBusClient as OfficialClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from "@azure/service-bus";
import { Renewer, systemClock, systemRandom } from "@holdfast/core";
import { ServiceBusClient, type ServiceBusReceiverOptions } from "@holdfast/service-bus";
import { closing } from "./closing.ts";
import { compareRates } from "./rates.ts";
import { atMost, reported, type Result } from "./result.ts";
import { startService } from "./service.ts";

type Work = (receiver: ServiceBusReceiver) => Promise<number>;

const queues = ["orders", "returns"] as const;
const messages = 3_000;
const ahead = 200;
const pairs = 24;

/** `receiveMessages(100)` and all of them completed at once, until there are none. */
const batches: Work = async (receiver) => {
  let left = messages;
  while (left > 0) {
    const batch = await receiver.receiveMessages(100, { maxWaitTimeInMs: 1_000 });
    await Promise.all(batch.map((message) => receiver.completeMessage(message)));
    left -= batch.length;
  }
  return messages;
};

/** `subscribe` with 16 calls at once and nothing to do in them. */
const subscription: Work = async (receiver) => {
  let left = messages;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const { close } = receiver.subscribe(
    {
      processMessage: () => {
        left -= 1;
        if (left === 0) done();
        return Promise.resolve();
      },
      processError: ({ error }) => Promise.reject(error),
    },
    { maxConcurrentCalls: 16 },
  );
  await all;
  await close();
  return messages;
};

/** Receiving beside the official client, and what it costs to keep ten thousand locks. */
export async function receiveBench(): Promise<Result[]> {
  return [
    ...(await compare("receive 100 and complete them", 1.1, 1.3, batches)),
    ...(await compare(`the same, ours with prefetchCount ${String(ahead)}`, undefined, undefined, batches, {
      prefetchCount: ahead,
    })),
    ...(await compare("subscribe, 16 calls at once", 0.95, undefined, subscription)),
    ...(await heldLocks()),
  ];
}

async function compare(
  name: string,
  required: number | undefined,
  aim: number | undefined,
  work: Work,
  options?: ServiceBusReceiverOptions,
): Promise<Result[]> {
  await using service = await startService();
  await using bare = closing(new OfficialClient(service.connectionString));
  await using ours = closing(new ServiceBusClient(service.connectionString));
  // A queue for each: one that asks ahead would take what the other is to have.
  const fill = async (): Promise<void> => {
    await service.forget();
    for (const queue of queues) await sendAll(ours.client, queue, messages);
  };
  const bareReceiver = bare.client.createReceiver(queues[0]);
  const oursReceiver = ours.client.createReceiver(queues[1], options);
  for (const receiver of [bareReceiver, oursReceiver]) {
    await fill();
    await work(receiver); // Warm.
  }
  // What it has ahead when it begins, it has when it ends.
  if (options !== undefined) await sendAll(ours.client, queues[1], ahead);
  return await compareRates({
    ...{ name, pairs, ...(required !== undefined && { required }), ...(aim !== undefined && { aim }) },
    bare: () => work(bareReceiver),
    ours: () => work(oursReceiver),
    prepare: fill,
  });
}

const held = 10_000;
const holdMs = 45_000;

async function heldLocks(): Promise<Result[]> {
  await using service = await startService();
  await using ours = closing(new ServiceBusClient(service.connectionString));
  await sendAll(ours.client, queues[0], held);
  const inHand: { readonly receiver: ServiceBusReceiver; readonly messages: ServiceBusReceivedMessage[] }[] =
    [];
  for (let left = held; left > 0;) {
    const receiver = ours.client.createReceiver(queues[0]);
    const received = await receiver.receiveMessages(Math.min(left, 1_000), { maxWaitTimeInMs: 10_000 });
    inHand.push({ receiver, messages: received });
    left -= received.length;
  }
  const share = await cpuShare(holdMs);
  const settled = await Promise.allSettled(
    inHand.flatMap(({ receiver, messages: all }) => all.map((message) => receiver.completeMessage(message))),
  );
  const lost = settled.filter(({ status }) => status === "rejected").length;
  return [
    atMost(
      `${String(held)} held messages for ${String(holdMs / 1_000)} s, locks of 30 s: lost`,
      "locks",
      0,
      lost,
    ),
    reported("  the whole process meanwhile", "% of a core", share),
    atMost(
      "  of it the bookkeeping: the same locks, renewed by nobody",
      "% of a core",
      1,
      await bookkeepingShare(),
    ),
  ];
}

/** What keeping the locks costs when the renewals themselves cost nothing. */
async function bookkeepingShare(): Promise<number> {
  const lifeMs = 30_000;
  const idle = await cpuShare(5_000);
  const keeper = new Renewer<object>({
    renew: () => Promise.resolve(lifeMs),
    isFinal: () => false,
    limited: () => undefined,
    ended: () => undefined,
    ...{ maxInFlight: 200, clock: systemClock, random: systemRandom },
  });
  for (let index = 0; index < held; index += 1) keeper.keep({}, lifeMs * Math.random(), Infinity);
  const share = await cpuShare(20_000);
  keeper.close();
  return share - idle;
}

async function cpuShare(ms: number): Promise<number> {
  const cpu = process.cpuUsage();
  await sleep(ms);
  const { user, system } = process.cpuUsage(cpu);
  return ((user + system) / (ms * 1_000)) * 100;
}

async function sendAll(client: OfficialClient, queue: string, count: number): Promise<void> {
  const sender = client.createSender(queue);
  for (let sent = 0; sent < count; sent += 1_000) {
    const size = Math.min(1_000, count - sent);
    await sender.sendMessages(Array.from({ length: size }, () => ({ body: "x".repeat(200) })));
  }
  await sender.close();
}
