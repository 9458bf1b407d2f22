import type { DropKind } from "../faults/socket-faults.ts";
import type { ConnectionEntry, EndedBy, ServerName } from "./journal-entries.ts";
import type { Identity, RequestView, TransportName } from "./options.ts";
import type { Simulation } from "./simulation.ts";

/** What carries a connection's bytes. */
export interface LiveTransport {
  readonly name: TransportName;
  /** Strings travel as text, buffers as binary where the transport knows the difference. */
  send(data: string | Buffer): void;
  /** Writes the first half of `data` and no more. */
  sendHalf(data: string | Buffer): void;
  /** Ends it in an orderly way, after what was sent. */
  end(): void;
  /** Drops it below the protocol. */
  drop(how: DropKind): void;
  /** Nothing is read or written any more, and the client is not told. */
  freeze(): void;
}

/** What a negotiated connection is about. */
interface Beginning {
  readonly simulation: Simulation;
  readonly server: ServerName;
  readonly hub: string;
  readonly identity: Identity;
  readonly request: RequestView;
  /** The token's number in the journal. */
  readonly token: number | undefined;
  /** The expiry of the token, in milliseconds since the Unix epoch; `Infinity` for none. */
  readonly expiresAt: number;
  /** Whether it may get a new transport when it loses one. */
  readonly resumable: boolean;
}

type State =
  | { readonly kind: "negotiated" }
  | { readonly kind: "attached"; readonly transport: LiveTransport }
  | { readonly kind: "suspended"; readonly giveUp: () => void }
  | { readonly kind: "ended" };

/** A connection between a client and an application (a hub or a raw endpoint), over whichever transport. */
export class Connection {
  readonly id: string;
  /** What the client names it by; secret, unlike the id. */
  readonly connectionToken: string;
  readonly beginning: Beginning;
  entry: ConnectionEntry | undefined;
  /** What brought its first transport; for one that has none yet, what negotiated it. */
  request: RequestView;
  /** Requests of a frozen connection stay unanswered. */
  frozen = false;
  onReceive: (bytes: Buffer, binary: boolean) => void = () => undefined;
  onSuspend: () => void = () => undefined;
  onResume: () => void = () => undefined;
  onEnd: (by: EndedBy) => void = () => undefined;
  /** The one it had when it ended: a long-polling client is still to hear of it. */
  lastTransport: LiveTransport | undefined;
  readonly #forget: (by: EndedBy) => void;
  #state: State;
  #cancelExpiry = (): void => undefined;

  /** @param withToken - negotiate version 0 knows only the id */
  constructor(
    beginning: Beginning,
    withToken: boolean,
    forget: (connection: Connection, by: EndedBy) => void,
  ) {
    const { simulation } = beginning;
    this.beginning = beginning;
    this.request = beginning.request;
    this.id = simulation.newId();
    this.connectionToken = withToken ? simulation.newId() : this.id;
    this.#forget = (by) => {
      forget(this, by);
    };
    this.#state = { kind: "negotiated" };
  }

  get transport(): LiveTransport | undefined {
    return this.#state.kind === "attached" ? this.#state.transport : undefined;
  }

  get isEnded(): boolean {
    return this.#state.kind === "ended";
  }

  /** Whether it was negotiated and has never had a transport. */
  get isWaiting(): boolean {
    return this.#state.kind === "negotiated";
  }

  /** Gives it its transport; true when it had one before. */
  attach(transport: LiveTransport): boolean {
    const before = this.#state;
    this.#state = { kind: "attached", transport };
    if (before.kind === "suspended" || before.kind === "attached") {
      if (before.kind === "suspended") before.giveUp();
      else before.transport.drop("fin");
      if (this.entry !== undefined) this.entry.resumed += 1;
      this.onResume();
      return true;
    }
    const { simulation, server, hub, identity, token } = this.beginning;
    this.entry = simulation.ledgers.connections.add({
      at: simulation.clock.now(),
      server,
      hub,
      connectionId: this.id,
      transport: transport.name,
      userId: identity.userId,
      token,
      resumed: 0,
    });
    return false;
  }

  /** Calls `expired` when the token it was opened with expires, unless it has ended before. */
  watchExpiry(expired: () => void): void {
    const { simulation, expiresAt } = this.beginning;
    if (expiresAt === Infinity) return;
    this.#cancelExpiry = simulation.timers.after(expiresAt - simulation.clock.wallNow(), expired);
  }

  /** Sends to the client; nothing happens while there is no transport. */
  send(data: string | Buffer): void {
    this.transport?.send(data);
  }

  /** Ends it in an orderly way. */
  end(by: EndedBy, error?: string): void {
    const { transport } = this;
    this.#ended(by, error);
    transport?.end();
  }

  /** Drops its transport; the end of it unless it is resumable. */
  drop(how: DropKind): void {
    const { transport } = this;
    if (transport === undefined) return;
    transport.drop(how);
    this.transportLost(transport, "network");
  }

  freeze(): void {
    this.frozen = true;
    this.transport?.freeze();
  }

  /** A transport says that it is gone. */
  transportLost(transport: LiveTransport, by: EndedBy): void {
    if (this.#state.kind !== "attached" || this.#state.transport !== transport) return;
    const { simulation, resumable } = this.beginning;
    if (!resumable || by !== "network") {
      this.#ended(by);
      return;
    }
    this.onSuspend();
    const giveUp = simulation.timers.after(simulation.settings.disconnectTimeoutMs, () => {
      this.#ended("network");
    });
    this.#state = { kind: "suspended", giveUp };
  }

  /** The server lost what it knew of the connection. */
  abandon(): void {
    const { transport } = this;
    this.#ended("network");
    transport?.drop("fin");
  }

  #ended(by: EndedBy, error?: string): void {
    const before = this.#state;
    if (before.kind === "ended") return;
    if (before.kind === "suspended") before.giveUp();
    if (before.kind === "attached") this.lastTransport = before.transport;
    this.#state = { kind: "ended" };
    this.#cancelExpiry();
    this.#forget(by);
    if (this.entry !== undefined) {
      this.entry.endedAt = this.beginning.simulation.clock.now();
      this.entry.endedBy = by;
      if (error !== undefined) this.entry.error = error;
    }
    this.onEnd(by);
  }
}
