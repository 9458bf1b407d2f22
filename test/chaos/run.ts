import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "@holdfast/core/testing";
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { clientOf, mayBeStored, type Contender } from "./clients.ts";
import { faultKinds } from "./fault-kinds.ts";
import { workOf, type Plan } from "./plan.ts";
import type { ClientRecord, HandlerRecord, SendRecord } from "./record.ts";
import { takeSessions } from "./session-taker.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

/** A run and what it showed. */
export interface Outcome {
  readonly seed: number;
  readonly messages: number;
  /** Faults that happened, by name. */
  readonly faults: readonly string[];
  readonly verdict: Verdict;
  readonly quietAfterMs: number | undefined;
}

const entity = "orders";
/** What the throttling faults ask a client to wait. */
const hintMs = 1_000;

/** What is sent at the end, to be in the handlers' hands when the client is closed. */
const lastWords = "last-words-";

/** The rate after throttling grows slowly, and a connection that fell silent is found out after a while. In milliseconds. */
const patienceMs = 60_000;
const closePatienceMs = 15_000;

// Until the service has seen the end of the last socket.
const farewellMs = 3_000;

/**
 * Puts a contender through a plan: its own service on a real socket, a sender and a receiver, faults in between.
 *
 * @param forMs - what is not settled so long after the last fault is stuck.
 */
export async function run(contender: Contender, plan: Plan, forMs = patienceMs): Promise<Outcome> {
  await using bus = await serviceBus({
    seed: plan.seed,
    queues: [
      {
        name: entity,
        requiresSession: plan.sessions > 0,
        lockDurationMs: plan.lockDurationMs,
        maxDeliveryCount: 1_000,
        duplicateDetectionWindowMs: plan.duplicateDetection ? 600_000 : 0,
      },
    ],
  });
  const application = new Application(contender, plan, bus);
  const faults = inflict(plan, bus);
  const sent = application.send();
  const silent = await faults;
  const healedAt = performance.now();
  const quiet = await settled(bus, sent, healedAt + forMs);
  const quietAfterMs = quiet ? performance.now() - healedAt : undefined;
  const closed = await application.close();
  const record: ClientRecord = {
    ...closed,
    quietAfterMs,
    connectionsLeft: await connectionsLeft(bus, silent),
  };
  const { duplicateDetection } = plan;
  return {
    seed: plan.seed,
    messages: plan.messages,
    faults: plan.faults.map(({ name }) => name),
    verdict: verdictOf(bus.journal, record, { entity, duplicateDetection, hintMs, lastWords }),
    quietAfterMs,
  };
}

/** The plan's faults in their time; over when the last has done its work and nothing is left in the script. @returns the connections that fell silent */
async function inflict({ seed, faults }: Plan, bus: ServiceBusSimulator): Promise<ReadonlySet<number>> {
  const silent = new Set<number>();
  const startedAt = performance.now();
  const random = seededRandom(seed + 1);
  const wait = async (ms: number): Promise<void> => {
    await sleep(ms);
  };
  for (const { name, atMs } of faults) {
    await sleep(Math.max(0, startedAt + atMs - performance.now()));
    // Of these the service never sees the end.
    if (name === "connections fall silent") for (const one of openConnections(bus)) silent.add(one);
    await faultKinds[name]({ bus, entity, wait, random });
  }
  await sleep(500); // What the script still holds has its chance to happen.
  bus.faults.clear();
  await bus.start();
  return silent;
}

const openConnections = (bus: ServiceBusSimulator): number[] =>
  bus.journal
    .connections()
    .filter(({ closedAt }) => closedAt === undefined)
    .map(({ connection }) => connection);

/** What stands after `close()`, and did not fall silent before (I9). */
async function connectionsLeft(bus: ServiceBusSimulator, silent: ReadonlySet<number>): Promise<number> {
  const left = (): number => openConnections(bus).filter((one) => !silent.has(one)).length;
  for (const untilMs = performance.now() + farewellMs; left() > 0 && performance.now() < untilMs;)
    await sleep(20);
  return left();
}

async function settled(bus: ServiceBusSimulator, sent: Promise<void>, untilMs: number): Promise<boolean> {
  const state = { allSent: false };
  void sent.then(() => (state.allSent = true));
  while (performance.now() < untilMs) {
    if (state.allSent && bus.queue(entity).activeMessages === 0) return true;
    await sleep(20);
  }
  return false;
}

/** The application under test: it sends, and handles what it receives. */
class Application {
  readonly #contender: Contender;
  readonly #plan: Plan;
  readonly #client;
  readonly #sends: SendRecord[];
  readonly #handlers: HandlerRecord[] = [];
  readonly #runs = new Map<string, number>();
  readonly #receiver: ServiceBusReceiver | undefined;
  readonly #stop: { close(): Promise<void> };
  #running = 0;

  constructor(contender: Contender, plan: Plan, bus: ServiceBusSimulator) {
    this.#contender = contender;
    this.#plan = plan;
    this.#client = clientOf(contender, bus.connectionString);
    this.#sends = Array.from({ length: plan.messages }, (_, index) => ({
      messageId: `m-${String(index + 1)}`,
      outcome: "pending",
    }));
    if (plan.sessions > 0) {
      this.#stop = takeSessions(this.#client, entity, plan.sessions, (message, signal) =>
        this.#handle(message, signal),
      );
      return;
    }
    this.#receiver = this.#client.createReceiver(entity);
    this.#stop = this.#receiver.subscribe(
      { processMessage: (message) => this.#handle(message), processError: async () => {} },
      { maxConcurrentCalls: plan.concurrency, autoCompleteMessages: plan.autoComplete },
    );
  }

  /** Sends all messages, so many at a time; resolves when every call is answered. */
  async send(): Promise<void> {
    const { producers, perCall } = this.#plan;
    const sender = this.#client.createSender(entity);
    const waiting = [...this.#sends];
    const paceMs = (3_000 * producers * perCall) / this.#plan.messages; // Over the time of the faults.
    const produce = async (): Promise<void> => {
      for (let calls = waiting.splice(0, perCall); calls.length > 0; calls = waiting.splice(0, perCall)) {
        // A call is for one session, as a batch is.
        const session = this.#inSession(calls[0]?.messageId ?? "");
        const messages = calls.map(({ messageId }) => ({ messageId, body: messageId, ...session }));
        const settle = (outcome: SendRecord["outcome"], error?: unknown): void => {
          for (const call of calls)
            Object.assign(call, {
              outcome,
              ...(error === undefined ? {} : { error: (error as Error).message }),
            });
        };
        await sender.sendMessages(messages.length === 1 ? (messages[0] as { body: string }) : messages).then(
          () => settle("resolved"),
          (error: unknown) => settle(mayBeStored(this.#contender, error) ? "unknown" : "rejected", error),
        );
        await sleep(Math.random() * 2 * paceMs);
      }
    };
    await Promise.all(Array.from({ length: producers }, produce));
  }

  /** Closes everything while handlers are at work. */
  async close(): Promise<Omit<ClientRecord, "quietAfterMs" | "connectionsLeft">> {
    await this.#speakLast();
    const startedAt = performance.now();
    const closing = this.#stop
      .close()
      .catch(() => undefined)
      .then(() => this.#client.close())
      .then(
        () => "closed" as const,
        () => "closed" as const,
      );
    const patience = new AbortController();
    const closed = await Promise.race([
      closing,
      sleep(closePatienceMs, "late" as const, { signal: patience.signal }).catch(() => "late" as const),
    ]);
    patience.abort();
    return {
      sends: this.#sends,
      handlers: this.#handlers,
      runningAfterClose: this.#running,
      closedInMs: closed === "closed" ? performance.now() - startedAt : undefined,
    };
  }

  async #speakLast(): Promise<void> {
    const sender = this.#client.createSender(entity);
    const messages = Array.from(
      { length: this.#plan.concurrency },
      (_, index) => `${lastWords}${String(index)}`,
    );
    const patience = AbortSignal.timeout(2_000);
    const spoken = sender
      .sendMessages(
        messages.map((messageId) => ({ messageId, body: messageId, ...this.#inSession(lastWords) })),
        { abortSignal: patience },
      )
      .catch(() => undefined);
    // The official client may wait for the end of a connection, deaf to the signal, for ever.
    await Promise.race([spoken, once(patience, "abort")]);
    while (this.#running === 0 && !patience.aborted) await sleep(10);
  }

  #inSession(messageId: string): { sessionId?: string } {
    const { sessions } = this.#plan;
    if (sessions === 0) return {};
    const number = Number(/\d+$/.exec(messageId)?.[0] ?? 0);
    return { sessionId: `s-${String(number % sessions)}` };
  }

  /** @param signal - aborts when the session is lost, where there is one. */
  async #handle(message: ServiceBusReceivedMessage, signal?: AbortSignal): Promise<void> {
    const messageId = String(message.messageId);
    const run = (this.#runs.get(messageId) ?? 0) + 1;
    this.#runs.set(messageId, run);
    const { intent, takesMs } = messageId.startsWith(lastWords)
      ? { intent: "complete" as const, takesMs: 300 }
      : workOf(this.#plan, messageId, run);
    const record: HandlerRecord = {
      messageId,
      sequenceNumber: Number(message.sequenceNumber),
      sessionId: message.sessionId,
      lockToken: String(message.lockToken),
      intent,
      startedAt: performance.now(),
    };
    this.#handlers.push(record);
    this.#running += 1;
    try {
      await sleep(takesMs, undefined, signal && { signal }).finally(() => {
        record.stoppedAt = performance.now();
      });
      record.endedAt = performance.now();
      if (intent === "throw") throw new Error("the handler cannot do it this time");
      if (intent === "complete" && this.#plan.autoComplete) return;
      await this.#settle(message, intent).then(
        () => (record.settlement = "resolved"),
        (error: unknown) => {
          record.settlement = "rejected";
          throw error;
        },
      );
    } finally {
      this.#running -= 1;
    }
  }

  #settle(message: ServiceBusReceivedMessage, intent: "complete" | "abandon" | "dead-letter"): Promise<void> {
    if (this.#receiver === undefined) throw new Error("sessions are settled by the processor");
    if (intent === "complete") return this.#receiver.completeMessage(message);
    if (intent === "abandon") return this.#receiver.abandonMessage(message);
    return this.#receiver.deadLetterMessage(message, {
      deadLetterReason: "unwanted",
      deadLetterErrorDescription: "the plan says so",
    });
  }
}
