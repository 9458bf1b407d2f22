import type { Agent } from "node:https";
import {
  badOption,
  sharedGate,
  systemClock,
  systemRandom,
  type Classify,
  type Clock,
  type EventListener,
  type FaultRow,
  type Gate,
  type Policy,
  type PolicyOptions,
  type Random,
} from "@holdfast/core";
import { classifyIotDevice } from "./faults.ts";
import { iotPolicies, type IotOperation } from "./operations.ts";
import { checkOutboxOptions, type OutboxOptions } from "./outbox-options.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** The part of `policies({...})` that a client reads; a registry shared with other services fits too. */
export interface PolicySource {
  lookup(operation: string): Policy | undefined;
  readonly operations: readonly string[];
}

/** What `Client.fromConnectionString(…, Transport, { resilience })` takes; every field may be left out. */
export interface ResilienceOptions {
  /** Policies by operation key, from `iotPolicies()` or `policies()`. Operations that it does not name keep the default. */
  readonly policies?: PolicySource;
  /**
   * Keeps messages while the device is offline. Off by default: `sendEvent` then waits for the connection, for as long as
   * its policy allows, and is lost with the process.
   */
  readonly outbox?: OutboxOptions;
  /**
   * Begins no more sends in any second than this: all devices of the process on the same hub together. Off by default;
   * without it the pace adapts once the hub throttles.
   */
  readonly pacing?: { readonly messagesPerSecond: number };
  /**
   * Acknowledgements that take so much longer than usual say that the hub holds messages back, before it refuses any; the
   * device then has fewer under way. In milliseconds. Default 250; 50 or more; Infinity: never.
   */
  readonly lateAcknowledgementMs?: number;
  /** File uploads. */
  readonly uploads?: {
    /** Open at once. Default 5; 1 to 10 (the hub refuses the eleventh). */
    readonly maxConcurrent?: number;
    /** Where open uploads are remembered. Default: in memory; `diskOutboxStore()` is one that survives the process. */
    readonly journal?: UploadJournal;
    /** For requests to the storage: a proxy, for example. Default: Node's. */
    readonly blobAgent?: Agent;
  };
  /**
   * The MQTT keep-alive, in seconds, unless `setOptions({ keepalive })` says otherwise. Default 60; 1 to 1177 (what the hub
   * takes). A dead connection is found within twice that; the official default of 180 s needs six minutes.
   */
  readonly keepAliveSeconds?: number;
  /**
   * When another process uses this identity, the hub closes one connection for the other's, without end. After `kicks` of
   * them within `withinMs` this one stays away for `holdMs`. Defaults 3, 60 000, 60 000.
   */
  readonly duplicateIdentity?: {
    readonly kicks?: number;
    readonly withinMs?: number;
    readonly holdMs?: number;
  };
  /**
   * How long until the next attempt after the hub refused the credentials for good, or knows no such device, in
   * milliseconds. Default 300 000, of which up to a quarter less at random; 1000 or more.
   */
  readonly slowRetryMs?: number;
  /** A connection that is lost sooner continues the outage before it, in milliseconds. Default 10 000; 0 or more. */
  readonly minimumConnectedMs?: number;
  /** The first connection begins within this time, at random, in milliseconds: for fleets. Default 0. */
  readonly spreadStartMs?: number;
  /** Tokens are renewed up to this share of their time earlier, at random: fleets do not renew together. Default 0.2; 0 to 0.9. */
  readonly renewalJitter?: number;
  /** Rows tried before Holdfast's own when an error is classified. */
  readonly faults?: readonly FaultRow[];
  /** Receives every event, synchronously; what it throws is ignored. */
  readonly onEvent?: EventListener;
  /** How long `close()` lets sends in hand finish, in milliseconds. Default 1000; 0 to 1000: it never takes more than 2 s. */
  readonly closeTimeoutMs?: number;
  /** For tests: the time of our own waits (the official client's timers keep real time). */
  readonly clock?: Clock;
  /** For tests: where jitter comes from. */
  readonly random?: Random;
}

/** {@link ResilienceOptions}, complete. */
export interface Resilience {
  readonly policy: (operation: IotOperation) => Policy;
  /** The official `setRetryPolicy`, as policy. */
  readonly adopt: (options: PolicyOptions) => void;
  readonly classify: Classify;
  readonly onEvent: EventListener | undefined;
  readonly outbox: OutboxOptions | undefined;
  readonly gate: (host: string) => Gate;
  readonly lateAcknowledgementMs: number;
  readonly maxUploads: number;
  readonly uploadJournal: UploadJournal | undefined;
  readonly blobAgent: Agent | undefined;
  readonly keepAliveSeconds: number;
  readonly kicks: number;
  readonly kicksWithinMs: number;
  readonly holdMs: number;
  readonly slowRetryMs: number;
  readonly minimumConnectedMs: number;
  readonly spreadStartMs: number;
  readonly renewalJitter: number;
  readonly closeTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

const known = [
  ...["policies", "outbox", "pacing", "uploads", "keepAliveSeconds", "duplicateIdentity", "slowRetryMs"],
  ...["minimumConnectedMs", "spreadStartMs", "renewalJitter", "faults", "onEvent", "closeTimeoutMs"],
  ...["lateAcknowledgementMs", "clock", "random"],
];

/** What the official retry policy has a say in; the connection comes back whatever it says. */
const adopting: readonly IotOperation[] = ["iot.send", "iot.twin", "iot.method", "iot.settle", "iot.upload"];

/**
 * Validates and completes.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function resilienceFrom(options: ResilienceOptions): Resilience {
  if (typeof options !== "object" || (options as unknown) === null) {
    throw badOption("resilience", options, "an object, or false");
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw badOption("resilience", key, `made of ${known.join(", ")}`);
  }
  const { kicks = 3, withinMs = 60_000, holdMs = 60_000 } = options.duplicateIdentity ?? {};
  const { onEvent, clock = systemClock, pacing, outbox } = options;
  if (onEvent !== undefined && typeof onEvent !== "function") {
    throw badOption("resilience.onEvent", onEvent, "a function");
  }
  if (pacing !== undefined) within("pacing.messagesPerSecond", pacing.messagesPerSecond, 0.001, Infinity);
  if (outbox !== undefined) checkOutboxOptions(outbox);
  const defaults = iotPolicies();
  checkOperations(options.policies, defaults.operations);
  return {
    policy: (operation) => options.policies?.lookup(operation) ?? defaults.for(operation).policy,
    adopt: (changes) => {
      defaults.update(Object.fromEntries(adopting.map((operation) => [operation, changes])));
    },
    classify: classifyIotDevice(options.faults),
    onEvent,
    outbox,
    gate: (host) =>
      sharedGate(`iot-hub:${host}`, {
        ...(options.clock && { clock: options.clock }),
        ...(pacing && { pacing: { creditsPerSecond: pacing.messagesPerSecond } }),
      }),
    lateAcknowledgementMs: within(
      "lateAcknowledgementMs",
      options.lateAcknowledgementMs ?? 250,
      50,
      Infinity,
    ),
    maxUploads: whole("uploads.maxConcurrent", options.uploads?.maxConcurrent ?? 5, 1, 10),
    uploadJournal: options.uploads?.journal,
    blobAgent: options.uploads?.blobAgent,
    keepAliveSeconds: whole("keepAliveSeconds", options.keepAliveSeconds ?? 60, 1, 1_177),
    kicks: whole("duplicateIdentity.kicks", kicks, 1, 1_000),
    kicksWithinMs: within("duplicateIdentity.withinMs", withinMs, 1, 86_400_000),
    holdMs: within("duplicateIdentity.holdMs", holdMs, 1, 86_400_000),
    slowRetryMs: within("slowRetryMs", options.slowRetryMs ?? 300_000, 1_000, 86_400_000),
    minimumConnectedMs: within("minimumConnectedMs", options.minimumConnectedMs ?? 10_000, 0, 86_400_000),
    spreadStartMs: within("spreadStartMs", options.spreadStartMs ?? 0, 0, 86_400_000),
    renewalJitter: within("renewalJitter", options.renewalJitter ?? 0.2, 0, 0.9),
    closeTimeoutMs: within("closeTimeoutMs", options.closeTimeoutMs ?? 1_000, 0, 1_000),
    clock,
    random: options.random ?? systemRandom,
  };
}

function within(option: string, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw badOption(`resilience.${option}`, value, `a number from ${String(least)} to ${String(most)}`);
}

function whole(option: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value)) return within(option, value, least, most);
  throw badOption(`resilience.${option}`, value, `a whole number from ${String(least)} to ${String(most)}`);
}

/** A misspelt key would silently leave the default in force. */
function checkOperations(source: PolicySource | undefined, operations: readonly string[]): void {
  if (source === undefined) return;
  if (typeof source.lookup !== "function") {
    throw badOption("resilience.policies", source, "made by iotPolicies() or policies()");
  }
  const stray = source.operations.find((key) => key.startsWith("iot.") && !operations.includes(key));
  if (stray !== undefined) throw badOption("resilience.policies", stray, `keyed by ${operations.join(", ")}`);
}
