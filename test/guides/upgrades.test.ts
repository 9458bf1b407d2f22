import { setTimeout as sleep } from "node:timers/promises";
import { serverBusy } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { timed } from "../own-time/own-time.ts";
import { queue } from "./scenarios.ts";
import { wrappedScene } from "./wrapped-scene.ts";

describe.concurrent("an upgrade of the service", () => {
  it("SB-10 that makes it busy for two seconds fails no send, and is forgotten ten seconds later", async ({
    expect: here,
  }) => {
    await using at = await wrappedScene();
    const sender = at.client.createSender(queue);
    await sender.sendMessages({ body: "before" });
    const busy = at.bus.faults.always("send", serverBusy({ waitSeconds: 1 }));
    const sending = Promise.all(Array.from({ length: 20 }, (_, body) => sender.sendMessages({ body })));
    setTimeout(() => busy.remove(), 2_000);
    await sending;
    here(new Set(at.bus.journal.stored(queue).map(({ messageId }) => messageId)).size).toBe(21);
    here(at.bus.journal.refusals(queue).length).toBeGreaterThan(0);
    await sleep(10_500);
    const many = Promise.all(Array.from({ length: 200 }, (_, body) => sender.sendMessages({ body })));
    here((await timed(many)).ownMs).toBeLessThan(5_000);
  });

  it("SB-12 that takes it away is told in passing: what was repeated and how long it took, and no failure", async ({
    expect: here,
  }) => {
    await using at = await wrappedScene();
    const sender = at.client.createSender(queue);
    await sender.sendMessages({ body: "before" });
    await at.bus.stop();
    const sending = sender.sendMessages({ body: "meanwhile" });
    await at.bus.restart({ downMs: 2_000 });
    await sending;
    const types = at.events.map(({ type }) => type);
    here(types).toContain("retry");
    here(types).not.toContain("give-up");
    const back = at.events.find((event) => event.type === "reconnected");
    here(back?.downMs).toBeGreaterThanOrEqual(1_500);
    here(at.bus.journal.stored(queue)).toHaveLength(2);
  });
});
