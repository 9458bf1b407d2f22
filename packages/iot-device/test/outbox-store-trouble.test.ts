import { Message } from "azure-iot-device";
import { expect, it } from "vitest";
import { virtualClock } from "@holdfast/core/testing";
import { Outbox } from "../src/outbox.ts";
import { MemoryOutboxStore } from "../src/outbox-store.ts";
import { resilienceFrom } from "../src/resilience.ts";
import { until } from "./scene.ts";

it("keeps a message that the store cannot read for a moment, and sends it once it can", async () => {
  const store = new MemoryOutboxStore();
  const read = store.read.bind(store);
  let refusals = 2;
  store.read = (sequences) => {
    refusals -= 1;
    const error = Object.assign(new Error("EIO: i/o error, read"), { code: "LEVEL_IO_ERROR" });
    return refusals >= 0 ? Promise.reject(error) : read(sequences);
  };
  const clock = virtualClock();
  const told: string[] = [];
  const onEvent = ({ type }: { readonly type: string }): number => told.push(type);
  const sent: string[] = [];
  const way = {
    device: "d1",
    isConnected: true,
    whenConnected: () => Promise.resolve(),
    send: (message: { readonly data: unknown }) => {
      sent.push(String(message.data));
      return Promise.resolve({} as never);
    },
  };
  const outbox = new Outbox({ store }, way, resilienceFrom({ clock, onEvent }));
  await outbox.enqueue(new Message("kept"));
  for (let count = 1; count <= 2; count += 1) {
    await until(() => told.length === count);
    await clock.advance(30_000);
  }
  await outbox.whenEmpty();
  expect(sent).toEqual(["kept"]);
  expect(told).toEqual(["handler-failed", "handler-failed"]);
  await outbox.close();
});
