import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBusClientOptions } from "@holdfast/service-bus";
import { blackHole, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import WebSocket from "ws";
import { queue } from "./scenarios.ts";
import { count, ended, endedAll, times, type WorkScenario } from "./work-scenario.ts";

const entities = Array.from({ length: 250 }, (_, index) => `queue-${String(index)}`);
const connections = (bus: ServiceBusSimulator): string =>
  count(bus.journal.connections().length, "connection");

/** The simulator's port for 443 has another number. */
function to443(bus: ServiceBusSimulator): ServiceBusClientOptions {
  const secure = bus.webSocket?.secure;
  if (secure === undefined) throw new Error("The scenario needs secure WebSockets.");
  class To443 extends WebSocket {
    constructor(url: string, protocols?: string | string[], options?: object) {
      super(url.replace(/:\d+/, `:${String(secure?.port)}`), protocols, options);
    }
  }
  const webSocketOptions = { webSocket: To443, webSocketConstructorOptions: { ca: secure.ca } };
  return { transport: "auto", webSocketOptions };
}

const firewall: Pick<WorkScenario, "claim" | "options" | "connect" | "ours" | "work" | "saw"> = {
  claim: "SB-04",
  options: { queues: [queue], tls: true, webSocket: true },
  connect: (bus) => bus.tls?.connectionString ?? "",
  ours: to443,
  work: (client) => ended(client.createSender(queue).sendMessages({ body: 1 }), () => "resolves"),
  saw: (bus) => `${count(bus.journal.stored(queue).length, "message")} stored`,
};

// Tokens of a little more than two minutes: the official client renews them two minutes before their end.
const tokenMs = 130_000;

/** The second request to the issuer fails. */
function issuer() {
  let asked = 0;
  return {
    getToken: () => {
      asked += 1;
      if (asked === 2) return Promise.reject(new Error("the issuer is away"));
      const expiresOnTimestamp = Date.now() + tokenMs;
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const claims = { exp: Math.ceil(expiresOnTimestamp / 1_000), jti: asked };
      return Promise.resolve({ token: `${part({ alg: "none" })}.${part(claims)}.sig`, expiresOnTimestamp });
    },
  };
}

/** Connections, links and tokens, for `npm run baseline`. */
export const connectingWork: readonly WorkScenario[] = [
  {
    claim: "M-18",
    title: "a message is sent twice a second for 150 s with tokens of 130 s, and the first renewal fails",
    options: { queues: [queue] },
    connect: ({ host }) => `${host};UseDevelopmentEmulator=true;X=/`,
    credential: issuer,
    isLong: true,
    async work(client) {
      const startedAt = performance.now();
      const sender = client.createSender(queue);
      let slowestMs = 0;
      const failures: string[] = [];
      let sent = 0;
      while (performance.now() - startedAt < 150_000) {
        const beganAt = performance.now();
        await sender.sendMessages({ body: sent }).then(
          () => (sent += 1),
          (error: unknown) => failures.push((error as Error).name),
        );
        slowestMs = Math.max(slowestMs, performance.now() - beganAt);
        await sleep(500);
      }
      return `${count(sent, "send")} resolve, ${count(failures.length, "send")} reject, the slowest takes ${(slowestMs / 1_000).toFixed(1)} s`;
    },
    saw: (bus) => {
      const ends = bus.journal.detaches(queue).filter(({ by }) => by === "service").length;
      return `${count(bus.journal.tokens().length, "token")}, ${count(ends, "link")} ended because a token had`;
    },
  },
  {
    ...firewall,
    title: 'AMQP\'s port 5671 is closed and 443 is open; ours with `transport: "auto"`',
    arrange: (bus) => bus.refuseConnections({ transport: "tls" }),
  },
  {
    ...firewall,
    title: 'a firewall swallows what goes to 5671, and 443 is open; ours with `transport: "auto"`',
    arrange: (bus) => void bus.faults.always("connect", blackHole(), { transport: "tls" }),
  },
  {
    claim: "M-08",
    title: "250 entities, where a connection may hold 100 tokens (a tenth of full size)",
    options: { queues: entities, maxTokensPerConnection: 100 },
    work: (client) =>
      endedAll(entities.map((entity) => client.createSender(entity).sendMessages({ body: entity }))),
    ours: () => ({ resilience: { tokensPerConnection: 90 } }),
    saw: connections,
  },
  {
    claim: "M-09",
    title: "5000 sends to one entity by 50 senders",
    options: { queues: [queue] },
    work(client) {
      const senders = Array.from({ length: 50 }, () => client.createSender(queue));
      return endedAll(Array.from({ length: 5_000 }, (_, body) => senders[body % 50]!.sendMessages({ body })));
    },
    saw: (bus) =>
      [
        connections(bus),
        count(bus.journal.attaches(queue).length, "link"),
        count(bus.journal.tokens().length, "token"),
      ].join(", "),
  },
  {
    claim: "M-16",
    title: "link and connection are closed for idleness three times (after 6 s instead of 10 and 5 minutes)",
    options: { queues: [queue], idleLinkTimeoutMs: 6_000, idleConnectionTimeoutMs: 6_000 },
    isLong: true,
    async work(client) {
      let received = 0;
      let errors = 0;
      client.createReceiver(queue).subscribe({
        processMessage: () => Promise.resolve(void (received += 1)),
        processError: () => Promise.resolve(void (errors += 1)),
      });
      const sender = client.createSender(queue);
      let slowestMs = 0;
      for (let period = 0; period < 4; period += 1) {
        const beganAt = performance.now();
        await sender.sendMessages({ body: period });
        // Until it has come through.
        while (received <= period && performance.now() - beganAt < 100_000) await sleep(10);
        slowestMs = Math.max(slowestMs, performance.now() - beganAt);
        await sleep(9_000);
      }
      return `${String(received)} of 4 messages come, the slowest ${(slowestMs / 1_000).toFixed(1)} s after its sending; processError is called ${times(errors)}`;
    },
    saw: (bus) =>
      `${count(bus.journal.detaches(queue).filter(({ by }) => by === "service").length, "link")} closed`,
  },
];
