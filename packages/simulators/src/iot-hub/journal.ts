import { Ledger } from "../journal/ledger.ts";
import type * as entries from "./journal-entries.ts";

const deviceOf = (entry: { readonly device?: string | undefined }): string | undefined => entry.device;

/** Where the simulator's own code writes; {@link IotHubJournal} is the reader's side of it. */
export class HubLedgers {
  readonly connections = new Ledger<entries.HubConnectionEntry>(deviceOf);
  readonly tokens = new Ledger<entries.HubTokenEntry>();
  readonly subscriptions = new Ledger<entries.HubSubscriptionEntry>(deviceOf);
  readonly attempts = new Ledger<entries.HubAttemptEntry>(deviceOf);
  readonly accepted = new Ledger<entries.HubAcceptedEntry>(deviceOf);
  readonly refusals = new Ledger<entries.HubRefusalEntry>(deviceOf);
  readonly telemetry = new Ledger<entries.TelemetryEntry>(deviceOf);
  readonly commands = new Ledger<entries.CommandEntry>(deviceOf);
  readonly delivered = new Ledger<entries.HubDeliveredEntry>(deviceOf);
  readonly settled = new Ledger<entries.HubSettledEntry>(deviceOf);
  readonly twins = new Ledger<entries.TwinEntry>(deviceOf);
  readonly methods = new Ledger<entries.MethodEntry>(deviceOf);
  readonly requests = new Ledger<entries.RequestEntry>(deviceOf);
  readonly uploads = new Ledger<entries.UploadEntry>(deviceOf);
  readonly log = new Ledger<entries.DiagnosticEntry>(deviceOf);
  readonly faults = new Ledger<entries.HubFaultEntry>(deviceOf);
}

/**
 * What the hub saw and did, written down as it happened: never what a client says it did. Every method returns
 * a copy, oldest first; `device` is a device id or `device/module` (case-insensitive), and without it all are meant.
 */
export class IotHubJournal {
  readonly #ledgers: HubLedgers;

  /** @internal */
  constructor(ledgers: HubLedgers) {
    this.#ledgers = ledgers;
  }

  /** MQTT and AMQP connections; `returnCode` says how a CONNECT was answered, `closedAt` when it ended. */
  connections(device?: string): Readonly<entries.HubConnectionEntry>[] {
    return this.#ledgers.connections.of(device);
  }

  /** Tokens and certificates that were checked. */
  tokens(): entries.HubTokenEntry[] {
    return this.#ledgers.tokens.of();
  }

  /** SUBSCRIBE and UNSUBSCRIBE of MQTT, attach and detach of AMQP. */
  subscriptions(device?: string): entries.HubSubscriptionEntry[] {
    return this.#ledgers.subscriptions.of(device);
  }

  /** Device-to-cloud messages that arrived: each try of each send. */
  attempts(device?: string): Readonly<entries.HubAttemptEntry>[] {
    return this.#ledgers.attempts.of(device);
  }

  /** Acceptances of device-to-cloud messages that were written. */
  accepted(device?: string): entries.HubAcceptedEntry[] {
    return this.#ledgers.accepted.of(device);
  }

  /** Refusals that were written, at any step. */
  refusals(device?: string): entries.HubRefusalEntry[] {
    return this.#ledgers.refusals.of(device);
  }

  /** Device-to-cloud messages as a consumer of the hub's events reads them. The hub detects no duplicates. */
  telemetry(device?: string): entries.TelemetryEntry[] {
    return this.#ledgers.telemetry.of(device);
  }

  /** Cloud-to-device messages taken into a device's queue. */
  commands(device?: string): entries.CommandEntry[] {
    return this.#ledgers.commands.of(device);
  }

  /** Cloud-to-device messages handed to a device. */
  delivered(device?: string): entries.HubDeliveredEntry[] {
    return this.#ledgers.delivered.of(device);
  }

  /** What became of cloud-to-device messages. */
  settled(device?: string): entries.HubSettledEntry[] {
    return this.#ledgers.settled.of(device);
  }

  /** Twin reads, updates and pushes, of devices and services. */
  twins(device?: string): entries.TwinEntry[] {
    return this.#ledgers.twins.of(device);
  }

  /** Direct method calls. */
  methods(device?: string): Readonly<entries.MethodEntry>[] {
    return this.#ledgers.methods.of(device);
  }

  /** Requests over HTTPS, the blob endpoint's included. */
  requests(device?: string): Readonly<entries.RequestEntry>[] {
    return this.#ledgers.requests.of(device);
  }

  /** File uploads. */
  uploads(device?: string): Readonly<entries.UploadEntry>[] {
    return this.#ledgers.uploads.of(device);
  }

  /** The rows that the hub's diagnostic logs would have. */
  log(device?: string): entries.DiagnosticEntry[] {
    return this.#ledgers.log.of(device);
  }

  /** Faults that struck. */
  faults(): entries.HubFaultEntry[] {
    return this.#ledgers.faults.of();
  }

  /** Forgets everything so far. */
  clear(): void {
    for (const ledger of Object.values(this.#ledgers) as { clear(): void }[]) ledger.clear();
  }
}
