import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import iot from "azure-iot-device";
import { Mqtt } from "azure-iot-device-mqtt";
import type { BareJob } from "./iot-bare.ts";

// The official client with its default options; each scenario is what an application would write, and no more.

type Client = ReturnType<typeof iot.Client.fromConnectionString>;

const say = (what: string, detail?: unknown): void => {
  process.send?.({ what, detail });
};

const outcome =
  (what: string) =>
  (promise: Promise<unknown>): Promise<void> =>
    promise.then(
      () => {
        say(`${what} ok`);
      },
      (error: unknown) => {
        const { name, message } = error as Error;
        say(`${what} failed`, { name, message });
      },
    );

async function listen(client: Client): Promise<void> {
  client.on("message", (message) => {
    say("message", String(message.data));
  });
  client.onDeviceMethod("ask", (_request, response) => void response.send(200, {}));
  await client.open();
}

const scenarios = {
  open: (client) => outcome("open")(client.open()),
  /** Messages, methods. */
  listen: async (client) => {
    await listen(client);
    say("ready");
  },
  /** Telemetry only. */
  telemetry: async (client) => {
    await client.open();
    await client.sendEvent(new iot.Message("first"));
    say("ready");
  },
  /** Messages, giving up after 1.5 s instead of four minutes. */
  "listen briefly": async (client) => {
    (client as unknown as { _maxOperationTimeout: number })._maxOperationTimeout = 1_500;
    client.on("disconnect", () => {
      say("disconnect");
    });
    client.on("message", () => undefined);
    await client.open();
    say("ready");
  },
  /** Messages, and a signature that is renewed after a second. */
  renewal: async (client, ca) => {
    await client.setOptions({
      ca,
      tokenRenewal: { tokenValidTimeInSeconds: 10, tokenRenewalMarginInSeconds: 8.5 },
    });
    await listen(client);
    say("ready");
  },
  twin: async (client) => {
    await client.open();
    const twin = await client.getTwin();
    twin.on("properties.desired", (desired: unknown) => {
      say("desired", desired);
    });
    await sleep(300);
    say("ready");
    process.once("message", () => void outcome("twin")(client.getTwin()));
  },
  "twin once": async (client) => {
    await client.open();
    say("ready");
    await outcome("twin")(client.getTwin());
  },
  /** Subscribes, and closes while the hub says nothing. */
  close: async (client) => {
    await client.open();
    client.on("message", () => undefined);
    await sleep(300);
    await outcome("close")(client.close());
  },
  /** 50 messages at once, over an outage. */
  order: async (client) => {
    await client.open();
    say("ready");
    await sleep(500);
    const sends = Array.from({ length: 50 }, (_, index) => client.sendEvent(new iot.Message(String(index))));
    say("sending");
    await outcome("sends")(Promise.all(sends));
  },
  /** A property bag that is longer than a topic may be, then a good message. */
  "long properties": async (client) => {
    await client.open();
    const long = new iot.Message("long");
    long.properties.add("p", "x".repeat(70_000));
    await outcome("long")(client.sendEvent(long));
    await outcome("good")(client.sendEvent(new iot.Message("good")));
  },
  /** 300 KB in UTF-8, 100 K characters. */
  "too large": async (client) => {
    await client.open();
    await outcome("send")(client.sendEvent(new iot.Message("€".repeat(100_000))));
  },
  "method that throws": async (client) => {
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- what applications write
    client.onDeviceMethod("ask", async () => {
      await sleep(1);
      throw new Error("The application's own.");
    });
    await client.open();
    say("ready");
  },
  "message handler that throws": async (client) => {
    client.on("message", () => {
      throw new Error("The application's own.");
    });
    await client.open();
    say("ready");
  },
  /** Sends after close(). */
  "send after close": async (client) => {
    await client.open();
    await client.close();
    await outcome("send")(client.sendEvent(new iot.Message("late")));
  },
} satisfies Record<string, (client: Client, ca: string) => Promise<void>>;

export type BareScenario = keyof typeof scenarios;

process.on("disconnect", () => process.exit());
process.once("message", (job: BareJob) => void begin(job));

async function begin({ scenario, connectionString, ca }: BareJob): Promise<void> {
  const client = iot.Client.fromConnectionString(connectionString, Mqtt);
  await client.setOptions({ ca });
  await scenarios[scenario](client, ca);
}
