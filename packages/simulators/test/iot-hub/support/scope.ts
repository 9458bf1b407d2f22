import { afterEach } from "vitest";
import { iotHub, type IotHubOptions, type IotHubSimulator } from "@holdfast/simulators/iot-hub";

/** What a test has opened and must close. */
export interface Scope {
  /** Closes it after the test, the last one first. */
  add<T extends { close(): unknown }>(one: T): T;
  /** A hub with the device `d1`. */
  hub(options?: IotHubOptions): Promise<IotHubSimulator>;
}

// The official clients' close() may hang once the hub has ended their connection.
const PATIENCE_MS = 500;

/** Closes after each test of the file what the test has added. */
export function scope(): Scope {
  const open: { close(): unknown }[] = [];
  const add = <T extends { close(): unknown }>(one: T): T => {
    open.push(one);
    return one;
  };
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) {
      const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
      await Promise.race([Promise.resolve(one.close()).catch(() => undefined), patience]);
    }
  });
  return { add, hub: async (options) => add(await iotHub({ devices: ["d1"], ...options })) };
}
