import type { Mutant } from "../mutants.ts";

/** Mistakes that the devices' schedules must find. */
export const deviceMutants: readonly Mutant[] = [
  {
    name: "what was not acknowledged counts as sent",
    file: "packages/iot-device/src/outbox.ts",
    from: "const result = await this.#sendOnce(entry, signal);",
    to: "const result = await this.#sendOnce(entry, AbortSignal.timeout(200)).catch(() => ({}));",
  },
  {
    name: "the outbox sends eight at a time",
    file: "packages/iot-device/src/outbox.ts",
    from: "while (this.#workers < this.#options.concurrency &&",
    to: "while (this.#workers < 8 &&",
  },
  {
    name: "the outbox sends what was acknowledged again",
    file: "packages/iot-device/src/outbox.ts",
    from: "this.#counts.sent += 1;",
    to: "this.#counts.sent += 1; if (this.#counts.sent % 50 === 0) await this.#sendOnce(entry, signal);",
  },
  {
    name: "nothing is subscribed again",
    file: "packages/iot-device/src/device-link.ts",
    from: "for (const feature of this.wanted) await inner.toggle(feature, true);",
    to: "void this.wanted;",
  },
  {
    name: "a connection that is given up stays open",
    file: "packages/iot-device/src/device-link.ts",
    from: "discard: (inner) => this.#discard(inner),",
    to: "discard: () => Promise.resolve(void this.#discard.length),",
  },
];
