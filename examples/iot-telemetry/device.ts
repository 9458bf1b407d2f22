import { Mqtt } from "azure-iot-device-mqtt";
import { Client, Message } from "@holdfast/iot-device";
import { diskOutboxStore } from "@holdfast/iot-device/outbox-disk";

/** What the device needs to know. */
export interface DeviceOptions {
  readonly connectionString: string;
  /** Where readings are kept until the hub has them. */
  readonly directory: string;
  /** The authority to trust, in PEM, where it is not a public one. */
  readonly ca?: string;
}

/** A thermometer: reads at the pace that its twin asks for, and loses no reading to an outage or a restart. */
export class Thermometer implements AsyncDisposable {
  readonly #client: Client;
  #everyMs = 1_000;
  #timer: NodeJS.Timeout | undefined;
  #readings = 0;

  constructor({ connectionString, directory }: DeviceOptions) {
    this.#client = Client.fromConnectionString(connectionString, Mqtt, {
      resilience: {
        outbox: { store: diskOutboxStore({ directory }), whenFull: "oldest", ttlMs: 24 * 3_600_000 },
        onEvent: ({ type, operation }) => {
          console.log(`  ${operation}: ${type}`);
        },
      },
    });
  }

  /** Starts reading at once; the connection comes when it can. */
  async start({ ca }: Pick<DeviceOptions, "ca">): Promise<void> {
    if (ca !== undefined) await this.#client.setOptions({ ca });
    this.#client.onDeviceMethod("readings", (_request, response) => {
      void response.send(200, { readings: this.#readings });
    });
    this.#read();
    void this.#follow().catch(console.error);
  }

  /** Readings that the hub does not have yet. */
  get pending(): number {
    return this.#client.outbox?.statistics.pending ?? 0;
  }

  get readings(): number {
    return this.#readings;
  }

  /** Ends within two seconds; what the hub does not have stays on the disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#client.close();
  }

  async #follow(): Promise<void> {
    await this.#client.open();
    const twin = await this.#client.getTwin();
    twin.on("properties.desired.everyMs", (everyMs: unknown) => {
      if (typeof everyMs !== "number" || everyMs < 10) return;
      this.#everyMs = everyMs;
      const reported = twin.properties.reported as {
        update(patch: object, done: (error?: Error) => void): void;
      };
      reported.update({ everyMs }, (error) => {
        if (error) console.error(error.message);
      });
    });
  }

  #read(): void {
    this.#readings += 1;
    const reading = new Message(
      JSON.stringify({ number: this.#readings, temperature: 20 + Math.random() * 5 }),
    );
    reading.contentType = "application/json";
    reading.contentEncoding = "utf-8";
    this.#client.outbox?.enqueue(reading).catch(console.error);
    this.#timer = setTimeout(() => {
      this.#read();
    }, this.#everyMs);
  }
}
