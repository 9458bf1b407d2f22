import { creditPacing } from "@holdfast/service-bus";
import { reject, serverBusy } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { queue } from "./scenarios.ts";
import { wrappedScene } from "./wrapped-scene.ts";

it("TH-01, TH-19 counts each refusal that the service gave, as an event", async () => {
  await using at = await wrappedScene({}, { coalesce: false });
  at.bus.faults.next("send", serverBusy({ waitSeconds: 0 }), { times: 7 });
  const sender = at.client.createSender(queue);
  await Promise.all(Array.from({ length: 20 }, (_, body) => sender.sendMessages({ body })));
  const told = at.events.filter((event) => event.type === "retry" && event.fault.kind === "throttled");
  expect(told).toHaveLength(7);
  expect(at.bus.journal.refusals(queue)).toHaveLength(7);
  expect(at.bus.journal.stored(queue)).toHaveLength(20);
});

it("TH-11, TH-12 keeps to thirty operations a second where it is told to, without a refusal", async () => {
  await using at = await wrappedScene({ credits: { perSecond: 30 } }, { pacing: creditPacing.reduced });
  const sender = at.client.createSender(queue);
  await Promise.all(Array.from({ length: 90 }, (_, body) => sender.sendMessages({ body })));
  const stored = at.bus.journal.stored(queue);
  expect(stored).toHaveLength(90);
  expect(at.bus.journal.refusals(queue)).toEqual([]);
  const tookMs = stored.at(-1)!.at - stored[0]!.at;
  expect(tookMs).toBeGreaterThanOrEqual(2_000);
  expect(tookMs).toBeLessThan(10_000);
});

it("TH-14 lets a receiver settle while a sender has work for seconds within the same budget", async () => {
  await using at = await wrappedScene(
    { queues: [queue, "in"] },
    { pacing: { creditsPerSecond: 40 }, coalesce: false },
  );
  const sender = at.client.createSender(queue);
  await at.client.createSender("in").sendMessages(Array.from({ length: 20 }, (_, body) => ({ body })));
  let isSending = false;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  at.client.createReceiver("in").subscribe({
    processMessage: async () => {
      isSending = true;
      await begun;
    },
    processError: () => Promise.resolve(),
  });
  await expect.poll(() => isSending).toBe(true);
  const sending = Promise.all(Array.from({ length: 240 }, (_, body) => sender.sendMessages({ body })));
  begin();
  await sending;
  await expect.poll(() => at.bus.journal.settled("in").length).toBe(20);
  const stored = at.bus.journal.stored(queue);
  expect(stored).toHaveLength(240);
  expect(at.bus.journal.settled("in").at(-1)!.at).toBeLessThan(stored[200]!.at);
});

it("SBC-044 waits longer after each refusal that names no wait, and less than the cap", async () => {
  const half = { random: () => 0.5 };
  await using at = await wrappedScene({}, half);
  at.bus.faults.next("send", reject({ condition: "com.microsoft:server-busy", description: "Busy." }), {
    times: 3,
  });
  await at.client.createSender(queue).sendMessages({ body: 1 });
  // Full jitter from 1 s, by a throw of one half. The official client waits 30 s each time.
  const waits = at.events.flatMap((event) => (event.type === "retry" ? [event.waitMs] : []));
  expect(waits).toEqual([500, 1_000, 2_000]);
  const moments = at.bus.journal.attempts(queue).map((attempt) => attempt.at);
  expect(moments).toHaveLength(4);
  for (const [index, waitMs] of waits.entries())
    expect(moments[index + 1]! - moments[index]!).toBeGreaterThanOrEqual(waitMs);
});
