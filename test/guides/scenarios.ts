import { createHmac } from "node:crypto";
import type { ServiceBusMessage } from "@azure/service-bus";
import {
  acceptThenClose,
  dropConnection,
  forceConnectionClose,
  forceDetach,
  resetConnection,
  serverBusy,
  serviceBus,
  type ServiceBusFaults,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";

/** A service that fails in one documented way, and the work that is done on it, by the official client and by ours. */
export interface Scenario {
  readonly claim: string;
  /** What happens, in the words of the documentation. */
  readonly title: string;
  readonly options: ServiceBusOptions;
  /** Each is sent by a call of its own, all at once. */
  readonly messages: readonly ServiceBusMessage[];
  /** Arranges the faults. */
  readonly arrange?: (bus: ServiceBusSimulator) => Promise<void> | void;
  /** The connection string, where it is not the simulator's own. */
  readonly connect?: (bus: ServiceBusSimulator) => string;
  /** Names under `.holdfast.test` resolve only after so many milliseconds. */
  readonly resolvesAfterMs?: number;
}

/** The scenario's service, failing from now on. */
export interface FailingService extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly connectionString: string;
}

export const queue = "orders";

export async function failingService({ options, arrange, connect }: Scenario): Promise<FailingService> {
  const bus = await serviceBus(options);
  await arrange?.(bus);
  return {
    bus,
    connectionString: connect?.(bus) ?? bus.connectionString,
    [Symbol.asyncDispose]: () => bus.close(),
  };
}

const order = { body: "order 1", messageId: "1" };
const oneQueue = { queues: [queue] };

export const serverHint: Scenario = {
  claim: "M-01",
  title: "the entity is throttled: 50009, please wait 2 seconds",
  options: oneQueue,
  messages: [order],
  arrange: (bus) => void bus.faults.next("send", serverBusy({ waitSeconds: 2 })),
};

const throttled = (sends: number, perSecond: number): Scenario => ({
  claim: "M-03",
  title: `${String(sends)} sends at once to a namespace that takes ${String(perSecond)} a second`,
  options: { ...oneQueue, credits: { perSecond } },
  messages: Array.from({ length: sends }, (_, index) => ({ body: index, messageId: String(index) })),
});

/** Small, for the tests. */
export const throttling = throttled(600, 200);

/** As large as the claim is. */
const throttlingInFull = throttled(10_000, 1_000);

export const closedPort: Scenario = {
  claim: "M-05",
  title: "the port is closed for 3 s (ECONNREFUSED)",
  options: oneQueue,
  messages: [order],
  async arrange(bus) {
    await bus.stop();
    void bus.restart({ downMs: 3_000 });
  },
};

export const resetAtConnect: Scenario = {
  claim: "M-05",
  title: "the connection is reset twice (ECONNRESET)",
  options: oneQueue,
  messages: [order],
  arrange: (bus) => void bus.faults.next("connect", resetConnection(), { times: 2 }),
};

export const closedAtConnect: Scenario = {
  claim: "M-05",
  title: "the server closes the connection at once, twice",
  options: oneQueue,
  messages: [order],
  arrange: (bus) => void bus.faults.next("connect", acceptThenClose(), { times: 2 }),
};

export const unresolvedName: Scenario = {
  claim: "M-05",
  title: "the namespace's name does not resolve for 1.5 s (ENOTFOUND)",
  options: oneQueue,
  messages: [order],
  connect: (bus) => bus.connectionString.replace("127.0.0.1", "namespace.holdfast.test"),
  resolvesAfterMs: 1_500,
};

const kinds: readonly [string, (stored: boolean) => ServiceBusFaults["send"]][] = [
  ["the socket is destroyed", (stored) => dropConnection({ stored, how: "reset" })],
  ["the socket is closed", (stored) => dropConnection({ stored, how: "fin" })],
  ["the service forces the connection closed", (stored) => forceConnectionClose({ stored })],
  ["the service forces the link to detach", (stored) => forceDetach({ stored })],
];

export const drops: readonly Scenario[] = kinds.flatMap(([what, drop]) =>
  [false, true].map((stored) => ({
    claim: "M-06",
    title: `${what} in mid-send, ${stored ? "after" : "before"} the message was stored`,
    options: { queues: [{ name: queue, duplicateDetectionWindowMs: 600_000 }] },
    messages: [{ body: "order 1" }],
    arrange: (bus: ServiceBusSimulator) => void bus.faults.next("send", drop(stored)),
  })),
);

/** A failure that no repetition can mend. */
export interface PermanentScenario extends Scenario {
  readonly expected: { readonly kind: string; readonly code: string; readonly missingClaim?: string };
  /** The official client repeats these for 90 s; at the others it gives up at once, as we do. */
  readonly bareRetries?: boolean;
}

const permanentOf = (
  scenario: Omit<PermanentScenario, "claim" | "messages"> & { body?: string },
): PermanentScenario => ({
  claim: "M-07",
  messages: [{ body: scenario.body ?? "order 1".padEnd(100, ".") }],
  ...scenario,
});

const emulator = ({ port }: ServiceBusSimulator, secret: string): string =>
  `Endpoint=sb://127.0.0.1:${String(port)};${secret};UseDevelopmentEmulator=true`;
const listener = { name: "listen", key: "bGlzdGVuLW9ubHkta2V5", claims: ["Listen"] as const };
const sender = { name: "send", key: "c2VuZC1vbmx5LWtleQ==", claims: ["Send"] as const };

function expiredSignature(bus: ServiceBusSimulator): string {
  const audience = encodeURIComponent(`sb://127.0.0.1:${String(bus.port)}/`);
  const expiry = "1600000000";
  const signature = createHmac("sha256", sender.key).update(`${audience}\n${expiry}`).digest("base64");
  const token = `sr=${audience}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${sender.name}`;
  return emulator(bus, `SharedAccessSignature=SharedAccessSignature ${token}`);
}

export const permanent: readonly PermanentScenario[] = [
  permanentOf({
    title: "the identity lacks the Send claim (SB-15)",
    options: { ...oneQueue, keys: [listener] },
    connect: (bus) => emulator(bus, `SharedAccessKeyName=${listener.name};SharedAccessKey=${listener.key}`),
    expected: { kind: "auth", code: "UnauthorizedAccess", missingClaim: "Send" },
    bareRetries: true,
  }),
  permanentOf({
    title: "the shared access signature has expired (SBC-004)",
    options: { ...oneQueue, keys: [sender] },
    connect: expiredSignature,
    expected: { kind: "auth", code: "UnauthorizedAccess" },
    bareRetries: true,
  }),
  permanentOf({
    title: "the entity does not exist (SBC-016)",
    options: { queues: ["others"] },
    expected: { kind: "not-found", code: "MessagingEntityNotFound" },
  }),
  permanentOf({
    title: "the entity is disabled (SBC-017)",
    options: { queues: [{ name: queue, disabled: true }] },
    expected: { kind: "not-found", code: "MessagingEntityDisabled" },
  }),
  permanentOf({
    title: "the message is too large (SBC-008)",
    options: { queues: [{ name: queue, maxMessageSizeBytes: 10_240 }] },
    body: "x".repeat(20_480),
    expected: { kind: "too-large", code: "MessageSizeExceeded" },
  }),
  permanentOf({
    title: "the entity is full (SBC-077)",
    options: { queues: [{ name: queue, maxSizeBytes: 64 }] },
    expected: { kind: "quota", code: "QuotaExceeded" },
  }),
];

export const scenarios: readonly Scenario[] = [
  serverHint,
  throttlingInFull,
  closedPort,
  resetAtConnect,
  closedAtConnect,
  unresolvedName,
  ...drops,
  ...permanent,
];
