import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import iot from "azure-iot-device";
import { Mqtt } from "azure-iot-device-mqtt";
import { Client } from "@holdfast/iot-device";
import { reported, type Result } from "./result.ts";
import { interval, median } from "./statistics.ts";

type Work = (client: iot.Client) => Promise<number>;

interface Comparison {
  readonly name: string;
  /** Undefined: only reported. */
  readonly required: number | undefined;
  readonly pairs: number;
  readonly work: Work;
}

let nextId = 0;

// The official client gets ids too, so that both write the same.
function message(body: Buffer | string): iot.Message {
  const made = new iot.Message(body);
  made.messageId = String((nextId += 1));
  return made;
}

const text = JSON.stringify({ temperature: 21.5 });
const large = Buffer.alloc(65_536, 7);

const sequential =
  (count: number, body: Buffer | string): Work =>
  async (client) => {
    for (let index = 0; index < count; index += 1) await client.sendEvent(message(body));
    return count;
  };

const concurrent =
  (width: number, count: number, body: Buffer | string): Work =>
  async (client) => {
    let begun = 0;
    const caller = async (): Promise<void> => {
      while (begun < count) {
        begun += 1;
        await client.sendEvent(message(body));
      }
    };
    await Promise.all(Array.from({ length: width }, caller));
    return count;
  };

const comparisons: readonly Comparison[] = [
  { name: "sequential sends", required: 0.93, pairs: 12, work: sequential(2_000, text) },
  { name: "100 in flight", required: 0.93, pairs: 12, work: concurrent(100, 10_000, text) },
  { name: "64 KB Buffers, sequential", required: 2, pairs: 8, work: sequential(200, large) },
  // Here the simulated hub's process is the limit for ours, and the official client's own for the other.
  { name: "64 KB Buffers, 10 in flight", required: undefined, pairs: 6, work: concurrent(10, 300, large) },
];

/** Messages a second of ours over those of the official client, in pairs taken in turn; then a fleet in an outage. */
export async function iotBench(): Promise<Result[]> {
  const results: Result[] = [];
  for (const comparison of comparisons) results.push(await compare(comparison));
  return [...results, ...(await fleet(500))];
}

async function compare({ name, required, pairs, work }: Comparison): Promise<Result> {
  const hub = await startHub(["bare", "ours"]);
  const bare = iot.Client.fromConnectionString(hub.connectionStrings[0] ?? "", Mqtt);
  const ours = Client.fromConnectionString(hub.connectionStrings[1] ?? "", Mqtt);
  for (const client of [bare, ours]) {
    await client.setOptions({ ca: hub.ca });
    await client.open();
    await work(client); // Warm.
  }
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const first = pair % 2 === 0 ? await rate(bare, work) : undefined;
    const second = await rate(ours, work);
    ratios.push(second / (first ?? (await rate(bare, work))));
    hub.forget();
  }
  await Promise.all([bare.close(), ours.close()]);
  hub.stop();
  const measured = median(ratios);
  const range = interval(ratios);
  if (required === undefined) return reported(name, "x bare", measured, range);
  const ok = measured >= required;
  return { name, required: `>= ${String(required)}`, measured, interval: range, unit: "x bare", ok };
}

async function rate(client: iot.Client, work: Work): Promise<number> {
  const startedAt = performance.now();
  const count = await work(client);
  return (count / (performance.now() - startedAt)) * 1_000;
}

/** So many devices in one process lose their hub for three seconds: how they return, and what each weighs. */
async function fleet(count: number): Promise<Result[]> {
  const names = Array.from({ length: count }, (_, index) => `device-${String(index)}`);
  const hub = await startHub(names);
  globalThis.gc?.();
  const before = process.memoryUsage();
  const backAt: number[] = [];
  const clients = hub.connectionStrings.map((connectionString) =>
    Client.fromConnectionString(connectionString, Mqtt, {
      resilience: {
        onEvent: ({ type }) => {
          if (type === "reconnected") backAt.push(performance.now());
        },
      },
    }),
  );
  for (const client of clients) {
    await client.setOptions({ ca: hub.ca });
    client.on("message", () => undefined);
  }
  await Promise.all(clients.map((client) => client.open()));
  globalThis.gc?.();
  const after = process.memoryUsage();
  backAt.length = 0;
  const downAt = performance.now();
  await hub.restart(3_000);
  const upAt = performance.now();
  while (backAt.length < count && performance.now() - upAt < 60_000) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(clients.map((client) => client.close()));
  hub.stop();
  const slots = new Map<number, number>();
  for (const at of backAt) {
    const slot = Math.floor((at - downAt) / 100);
    slots.set(slot, (slots.get(slot) ?? 0) + 1);
  }
  const kilobytes = (one: number): number => one / 1_024 / count;
  const last = Math.max(...backAt, upAt) - upAt;
  return [
    reported(`fleet of ${String(count)}, down 3 s: devices that are back`, "devices", backAt.length),
    reported("  most that came back within 100 ms", "devices", Math.max(0, ...slots.values())),
    reported("  until the last was back, after the hub was", "ms", last),
    reported("  heap for each device", "KB", kilobytes(after.heapUsed - before.heapUsed)),
    reported("  resident memory for each device, TLS included", "KB", kilobytes(after.rss - before.rss)),
  ];
}

interface RunningHub {
  readonly ca: string;
  readonly connectionStrings: readonly string[];
  forget(): void;
  restart(downMs: number): Promise<void>;
  stop(): void;
}

async function startHub(names: readonly string[]): Promise<RunningHub> {
  const file = fileURLToPath(new URL("iot-simulator-process.ts", import.meta.url));
  const child = fork(file, names, { execArgv: ["--import", "tsx"] });
  const [told] = (await once(child, "message")) as [Pick<RunningHub, "ca" | "connectionStrings">];
  return {
    ...told,
    forget: () => void child.send("forget"),
    async restart(downMs) {
      child.send({ downMs });
      await once(child, "message");
    },
    stop: () => child.disconnect(),
  };
}
