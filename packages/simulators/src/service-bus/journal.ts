import { Ledger } from "../journal/ledger.ts";
import type * as entries from "./journal-entries.ts";

const entityOf = (entry: { readonly entity?: string | undefined }): string | undefined => entry.entity;

/** Where the simulator's own code writes; {@link Journal} is the reader's side of it. */
export class JournalLedgers {
  readonly connections = new Ledger<entries.ConnectionEntry>();
  readonly tokens = new Ledger<entries.TokenEntry>();
  readonly attaches = new Ledger<entries.AttachEntry>(entityOf);
  readonly detaches = new Ledger<entries.DetachEntry>(entityOf);
  readonly attempts = new Ledger<entries.AttemptEntry>(entityOf);
  readonly accepted = new Ledger<entries.AcceptedEntry>(entityOf);
  readonly refusals = new Ledger<entries.RefusalEntry>(entityOf);
  readonly stored = new Ledger<entries.StoredEntry>(entityOf);
  readonly duplicates = new Ledger<entries.DuplicateEntry>(entityOf);
  readonly delivered = new Ledger<entries.DeliveredEntry>(entityOf);
  readonly settled = new Ledger<entries.SettledEntry>(entityOf);
  readonly renewals = new Ledger<entries.RenewalEntry>(entityOf);
  readonly sessions = new Ledger<entries.SessionEntry>(entityOf);
  readonly deadLettered = new Ledger<entries.DeadLetterEntry>(entityOf);
  readonly forwarded = new Ledger<entries.ForwardEntry>(entityOf);
  readonly expired = new Ledger<entries.ExpiredEntry>(entityOf);
  readonly management = new Ledger<entries.ManagementEntry>(entityOf);
  readonly admin = new Ledger<entries.AdminEntry>(entityOf);
  readonly faults = new Ledger<entries.FaultEntry>(entityOf);
}

/**
 * What the service saw and did, written down as it happened: never what a client says it did. Every method
 * returns a copy, oldest first; entity names are case-insensitive, and without one all entities are meant.
 */
export class Journal {
  readonly #ledgers: JournalLedgers;

  /** @internal */
  constructor(ledgers: JournalLedgers) {
    this.#ledgers = ledgers;
  }

  /** Transfers that arrived from senders: each try of each send. */
  attempts(entity?: string): Readonly<entries.AttemptEntry>[] {
    return this.#ledgers.attempts.of(entity);
  }

  /** Refusals written to clients, at any step (see `step`): rejected transfers, refused links and tokens, failed requests. */
  refusals(entity?: string): entries.RefusalEntry[] {
    return this.#ledgers.refusals.of(entity);
  }

  /** Acceptances written to senders. */
  accepted(entity?: string): entries.AcceptedEntry[] {
    return this.#ledgers.accepted.of(entity);
  }

  /** One entry for each message stored, after duplicate detection; scheduled messages count when they are taken over. */
  stored(entity?: string): entries.StoredEntry[] {
    return this.#ledgers.stored.of(entity);
  }

  /** Messages dropped by duplicate detection. */
  duplicates(entity?: string): entries.DuplicateEntry[] {
    return this.#ledgers.duplicates.of(entity);
  }

  /** Deliveries to receivers. */
  delivered(entity?: string): entries.DeliveredEntry[] {
    return this.#ledgers.delivered.of(entity);
  }

  /** Settlements that took effect, with the disposition. */
  settled(entity?: string): entries.SettledEntry[] {
    return this.#ledgers.settled.of(entity);
  }

  /** Message locks that were prolonged. */
  renewals(entity?: string): entries.RenewalEntry[] {
    return this.#ledgers.renewals.of(entity);
  }

  /** Session locks: taken, prolonged, given up, run out; and those that a link did not get. */
  sessions(entity?: string): entries.SessionEntry[] {
    return this.#ledgers.sessions.of(entity);
  }

  /** Messages dead-lettered, with the reason; by the entity they were dead-lettered from. */
  deadLettered(entity?: string): entries.DeadLetterEntry[] {
    return this.#ledgers.deadLettered.of(entity);
  }

  /** Messages handed on by auto-forwarding; by the entity they left. */
  forwarded(entity?: string): entries.ForwardEntry[] {
    return this.#ledgers.forwarded.of(entity);
  }

  /** Messages that outlived their time to live. */
  expired(entity?: string): entries.ExpiredEntry[] {
    return this.#ledgers.expired.of(entity);
  }

  /** `$management` requests and their status. */
  management(entity?: string): entries.ManagementEntry[] {
    return this.#ledgers.management.of(entity);
  }

  /** Requests for administration over HTTP. */
  admin(entity?: string): entries.AdminEntry[] {
    return this.#ledgers.admin.of(entity);
  }

  /** Links that clients attached, or tried to. */
  attaches(entity?: string): entries.AttachEntry[] {
    return this.#ledgers.attaches.of(entity);
  }

  /** Links that ended by a detach. */
  detaches(entity?: string): entries.DetachEntry[] {
    return this.#ledgers.detaches.of(entity);
  }

  /** Connections; `closedAt` is set when one has ended. */
  connections(): Readonly<entries.ConnectionEntry>[] {
    return this.#ledgers.connections.of();
  }

  /** put-token requests. */
  tokens(): entries.TokenEntry[] {
    return this.#ledgers.tokens.of();
  }

  /** Scripted faults that happened. */
  faults(): entries.FaultEntry[] {
    return this.#ledgers.faults.of();
  }

  /** Forgets everything so far. */
  clear(): void {
    for (const ledger of Object.values(this.#ledgers) as { clear(): void }[]) ledger.clear();
  }
}
