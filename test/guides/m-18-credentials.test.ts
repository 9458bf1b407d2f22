import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { ServiceBusClient, type HoldfastEvent } from "@holdfast/service-bus";
import { refuseToken, reject, serviceBus } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { queue } from "./scenarios.ts";
import { failed } from "./wrapped-scene.ts";

/** Tokens of five seconds, as Entra makes them as far as the service looks; the request that `fails` does. */
function issuer(fails: number): { asked: number; tokens: string[]; getToken(): Promise<unknown> } {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const made = {
    asked: 0,
    tokens: [] as string[],
    getToken() {
      made.asked += 1;
      if (made.asked === fails) return Promise.reject(new Error("the issuer is away"));
      const expiresOnTimestamp = Date.now() + 5_000;
      const claims = { exp: Math.ceil(expiresOnTimestamp / 1_000), jti: made.asked };
      const token = `${part({ alg: "none" })}.${part(claims)}.signature`;
      made.tokens.push(token);
      return Promise.resolve({ token, expiresOnTimestamp });
    },
  };
  return made;
}

// Rows SBC-001, SBC-029. What the official client does after a renewal that failed: packages/service-bus/test/credentials.test.ts.
describe.concurrent("M-18", () => {
  it("renews tokens of 5 s for 20 s of sends, over a renewal that fails, without an error", async ({
    expect: here,
  }) => {
    await using bus = await serviceBus({ queues: [queue] });
    const credential = issuer(3);
    const events: HoldfastEvent[] = [];
    await using client = new ServiceBusClient(
      `${bus.host};UseDevelopmentEmulator=true;X=/`,
      credential as never,
      { resilience: { onEvent: (event) => events.push(event) } },
    );
    const sender = client.createSender(queue);
    const until = performance.now() + 20_000;
    let sent = 0;
    for (; performance.now() < until; sent += 1) {
      await sender.sendMessages({ body: sent });
      await sleep(100);
    }
    here(bus.journal.stored(queue)).toHaveLength(sent);
    here(bus.journal.tokens().length).toBeGreaterThanOrEqual(4);
    here(bus.journal.tokens().filter(({ status }) => status !== 202)).toEqual([]);
    here(bus.journal.refusals(queue)).toEqual([]);
    here(credential.asked).toBeGreaterThan(3);
    const told = inspect(events, { depth: 10 });
    for (const token of credential.tokens) here(told).not.toContain(token);
  });

  it("shows no key, signature or token in an error or an event", async ({ expect: here }) => {
    await using bus = await serviceBus({ queues: [queue] });
    const events: HoldfastEvent[] = [];
    await using client = new ServiceBusClient(bus.connectionString, {
      resilience: { onEvent: (event) => events.push(event) },
    });
    const key = /SharedAccessKey=([^;]+)/.exec(bus.connectionString)![1]!;
    const leak = `refused: SharedAccessKey=${key};sig=c2lnbmF0dXJl&se=1 Bearer eyJhbGciOiJub25lIn0.eyJqdGkiOjF9.c2ln`;
    bus.faults.next("cbs", refuseToken({ description: leak }), { times: 2 });
    const first = await failed(client.createSender(queue).sendMessages({ body: 1 }));
    bus.faults.next("send", reject({ condition: "amqp:not-allowed", description: leak }));
    const second = await failed(client.createSender(queue).sendMessages({ body: 1 }));
    const told = inspect([events, first.failure, second.failure], { depth: 10 });
    for (const secret of [key, "c2lnbmF0dXJl", "eyJqdGkiOjF9"]) here(told).not.toContain(secret);
    here(told).toContain("refused");
  });
});
