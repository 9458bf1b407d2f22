import { setTimeout as sleep } from "node:timers/promises";
import iot from "azure-iot-device";
import { seededRandom } from "@holdfast/core/testing";
import { iotHub, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceClientOf, takeOver, type DeviceContender } from "./clients.ts";
import { deviceFaultKinds } from "./fault-kinds.ts";
import { spanMs, type DevicePlan } from "./plan.ts";
import type { DeviceRecord, TelemetryRecord } from "./record.ts";
import { deviceVerdictOf, type DeviceVerdict } from "./verdict.ts";

/** A run and what it showed. */
export interface DeviceOutcome {
  readonly seed: number;
  readonly messages: number;
  /** Faults of the schedule, by name. */
  readonly faults: readonly string[];
  readonly verdict: DeviceVerdict;
  readonly quietAfterMs: number | undefined;
}

const deviceId = "d1";

/** How long after the last fault everything must have been answered, in milliseconds. */
const patienceMs = 60_000;
/** For a method and a message from the cloud when all is over. */
const hearingPatienceMs = 15_000;
const closePatienceMs = 15_000;

/** Puts a contender through a plan: its own hub on a real socket, a device that speaks and listens, faults in between. */
export async function runDevice(contender: DeviceContender, plan: DevicePlan): Promise<DeviceOutcome> {
  await using hub = await iotHub({
    seed: plan.seed,
    devices: [deviceId],
    cloudToDevice: { maxDeliveryCount: 100 },
    ...(plan.shapedTo === undefined ? {} : { throttle: { sendsPerSecond: plan.shapedTo } }),
  });
  const application = new DeviceApplication(contender, plan, hub);
  await application.open();
  const cloud = callFromTheCloud(plan, hub);
  const sent = application.send();
  const silent = await inflict(plan, hub);
  const healedAt = performance.now();
  const quiet = await Promise.race([sent.then(() => true), sleep(patienceMs, false)]);
  const quietAfterMs = quiet ? performance.now() - healedAt : undefined;
  await cloud;
  const heard = await application.isHearing();
  const record: DeviceRecord = { ...heard, ...(await application.close()), quietAfterMs };
  return {
    seed: plan.seed,
    messages: plan.messages,
    faults: plan.faults.map(({ name }) => name),
    verdict: deviceVerdictOf(hub.journal, record, deviceId, silent),
    quietAfterMs,
  };
}

/** The plan's faults in their time; over when nothing is left in the script. @returns the connections that fell silent */
async function inflict({ seed, faults }: DevicePlan, hub: IotHubSimulator): Promise<ReadonlySet<number>> {
  const silent = new Set<number>();
  const startedAt = performance.now();
  const random = seededRandom(seed + 1);
  const scene = {
    ...{ hub, deviceId, random },
    wait: async (ms: number) => {
      await sleep(ms);
    },
    takeOver: (forMs: number) => takeOver(hub.deviceConnectionString(deviceId), hub.ca, forMs),
    freeze: () => {
      for (const { connection, closedAt } of hub.journal.connections()) {
        if (closedAt === undefined) silent.add(connection);
      }
      hub.freeze();
    },
  };
  for (const { name, atMs } of faults) {
    await sleep(Math.max(0, startedAt + atMs - performance.now()));
    await deviceFaultKinds[name](scene);
  }
  await sleep(Math.max(500, startedAt + spanMs - performance.now())); // What the script still holds has its chance to happen.
  hub.faults.clear();
  await hub.start();
  return silent;
}

/** Messages and method calls in their time. A call to a device that is away fails, and is not the device's to repeat. */
async function callFromTheCloud(plan: DevicePlan, hub: IotHubSimulator): Promise<void> {
  const device = hub.device(deviceId);
  await Promise.all([
    ...plan.commandsAtMs.map(async (atMs, index) => {
      await sleep(atMs);
      device.send({ body: "command", messageId: `c-${String(index + 1)}` });
    }),
    ...plan.methodsAtMs.map(async (atMs) => {
      await sleep(atMs);
      await device.invoke("ask").catch(() => undefined);
    }),
  ]);
}

/** The device's application: it sends telemetry at its own pace, whether or not there is a connection, and listens. */
class DeviceApplication {
  readonly #hub: IotHubSimulator;
  readonly #client: iot.Client;
  readonly #sends: TelemetryRecord[];
  readonly #commands: string[] = [];

  constructor(contender: DeviceContender, plan: DevicePlan, hub: IotHubSimulator) {
    this.#hub = hub;
    this.#client = deviceClientOf(contender, plan.transport, hub.deviceConnectionString(deviceId));
    this.#sends = Array.from({ length: plan.messages }, (_, index) => ({
      messageId: `m-${String(index + 1)}`,
      outcome: "pending",
    }));
  }

  async open(): Promise<void> {
    const client = this.#client;
    client.on("error", () => undefined);
    // First: the official client connects as soon as it has a listener.
    await client.setOptions({ ca: this.#hub.ca });
    client.on("message", (message) => {
      this.#commands.push(message.messageId);
      client.complete(message).catch(() => undefined);
    });
    client.onDeviceMethod("ask", (_request, response) => {
      response.send(200, {}).catch(() => undefined);
    });
    await client.open();
  }

  /** Sends all messages over the time of the faults; resolves when every call is answered. */
  async send(): Promise<void> {
    const answered: Promise<unknown>[] = [];
    const startedAt = performance.now();
    for (const [index, record] of this.#sends.entries()) {
      const message = new iot.Message(record.messageId);
      message.messageId = record.messageId;
      const settle = (outcome: TelemetryRecord["outcome"], error?: unknown): void => {
        Object.assign(record, { outcome }, error === undefined ? {} : { error: (error as Error).message });
      };
      answered.push(
        this.#client.sendEvent(message).then(
          () => settle("resolved"),
          (error: unknown) => settle("rejected", error),
        ),
      );
      const dueMs = startedAt + (spanMs * (index + 1)) / this.#sends.length - performance.now();
      if (dueMs > 1) await sleep(dueMs);
      // The official client may answer at once, and never lets go of the turn.
      else if (index % 50 === 0) await sleep(0);
    }
    await Promise.all(answered);
  }

  /** Whether the device still hears methods and messages now that all is well. */
  async isHearing(): Promise<Pick<DeviceRecord, "answersMethods" | "hearsMessages">> {
    const device = this.#hub.device(deviceId);
    const until = performance.now() + hearingPatienceMs;
    device.send({ body: "last", messageId: "c-last" });
    let answersMethods = false;
    while (!answersMethods && performance.now() < until) {
      answersMethods = await device.invoke("ask").then(
        ({ status }) => status === 200,
        () => false,
      );
      if (!answersMethods) await sleep(50);
    }
    const isEmpty = (): boolean => this.#commands.includes("c-last") && device.queueDepth === 0;
    while (!isEmpty() && performance.now() < until) await sleep(20);
    return { answersMethods, hearsMessages: isEmpty() };
  }

  async close(): Promise<Pick<DeviceRecord, "sends" | "commands" | "closedInMs">> {
    const startedAt = performance.now();
    // The answers as they were before it: what close() ends was stuck.
    const sends = this.#sends.map((send) => ({ ...send }));
    const patience = new AbortController();
    const closed = await Promise.race([
      this.#client.close().then(
        () => true,
        () => true,
      ),
      sleep(closePatienceMs, false, { signal: patience.signal }).catch(() => false),
    ]);
    patience.abort();
    const closedInMs = closed ? performance.now() - startedAt : undefined;
    await sleep(300); // The hub sees the end; and nothing opens again.
    return { sends, commands: this.#commands, closedInMs };
  }
}
