import { Ledger } from "../journal/ledger.ts";
import type * as entries from "./journal-entries.ts";

const hubOf = (entry: { readonly hub?: string | undefined }): string | undefined => entry.hub;

/** Where the simulator's own code writes; {@link Journal} is the reader's side of it. */
export class JournalLedgers {
  readonly requests = new Ledger<entries.RequestEntry>(hubOf);
  readonly connections = new Ledger<entries.ConnectionEntry>(hubOf);
  readonly messages = new Ledger<entries.MessageEntry>(hubOf);
  readonly invocations = new Ledger<entries.InvocationEntry>(hubOf);
  readonly tokens = new Ledger<entries.TokenEntry>(hubOf);
  readonly faults = new Ledger<entries.FaultEntry>((entry) => entry.entity);
}

/**
 * What the servers saw and did, written down as it happened: never what a client says it did. Every method returns a
 * copy, oldest first; hub names are case-insensitive, and without one all hubs are meant.
 */
export class Journal {
  readonly #ledgers: JournalLedgers;

  /** @internal */
  constructor(ledgers: JournalLedgers) {
    this.#ledgers = ledgers;
  }

  /** Every HTTP request, and its answer. */
  requests(hub?: string): Readonly<entries.RequestEntry>[] {
    return this.#ledgers.requests.of(hub);
  }

  /** Negotiate requests, to both servers or one. */
  negotiates(server?: entries.ServerName, hub?: string): Readonly<entries.RequestEntry>[] {
    return this.requests(hub).filter(
      (request) =>
        (request.step === "app-negotiate" || request.step === "service-negotiate") &&
        (server === undefined || request.server === server),
    );
  }

  /** Requests that were answered with a status of 400 or more. */
  refusals(hub?: string): Readonly<entries.RequestEntry>[] {
    return this.requests(hub).filter((request) => (request.status ?? 0) >= 400);
  }

  /** Connections that got a transport; `endedAt` is set when one has ended. */
  connections(hub?: string): Readonly<entries.ConnectionEntry>[] {
    return this.#ledgers.connections.of(hub);
  }

  /** Connections that are alive now: handshake done, not ended. */
  alive(hub?: string): Readonly<entries.ConnectionEntry>[] {
    return this.connections(hub).filter(
      (entry) => entry.openedAt !== undefined && entry.endedAt === undefined,
    );
  }

  /** Hub messages received and sent; empty when the option `journalMessages` is false. */
  messages(hub?: string): entries.MessageEntry[] {
    return this.#ledgers.messages.of(hub);
  }

  /** Hub methods that ran, once for each time. */
  invocations(hub?: string): entries.InvocationEntry[] {
    return this.#ledgers.invocations.of(hub);
  }

  /** Tokens that were issued. */
  tokens(hub?: string): entries.TokenEntry[] {
    return this.#ledgers.tokens.of(hub);
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
