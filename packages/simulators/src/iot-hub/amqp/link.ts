import type { AmqpError } from "../../service-bus/conditions.ts";
import type { Link } from "../../service-bus/amqp-engine.ts";
import type { AmqpConnection } from "./connection.ts";
import type { AmqpDevice } from "./device.ts";

/** What a link is for; the names of the faults that devices can ask for follow them. */
export type LinkKind =
  | "cbs-request"
  | "cbs-response"
  | "telemetry"
  | "commands"
  | "method-response"
  | "method-request"
  | "twin-request"
  | "twin-response"
  | "service-send"
  | "feedback"
  | "events"
  | "event-request"
  | "event-response"
  | "file-notifications";

/** A client's link, from its attach to its end. */
export class HubLink {
  readonly connection: AmqpConnection;
  readonly engine: Link;
  readonly kind: LinkKind;
  readonly address: string;
  /** Undefined for the token node and for services. */
  readonly device: AmqpDevice | undefined;
  #ended = false;
  readonly #whenEnded: (() => void)[] = [];

  constructor(
    connection: AmqpConnection,
    engine: Link,
    kind: LinkKind,
    address: string,
    device?: AmqpDevice,
  ) {
    this.connection = connection;
    this.engine = engine;
    this.kind = kind;
    this.address = address;
    this.device = device;
    connection.links.add(this);
  }

  get hasEnded(): boolean {
    return this.#ended || this.connection.isGone;
  }

  /** What to give back when the link ends, by whatever end. */
  whenEnded(release: () => void): void {
    this.#whenEnded.push(release);
  }

  /** The hub detaches the link with an error. AMQP 2.6.6. */
  detach(error: AmqpError): void {
    if (this.#ended) return;
    this.engine.close(error);
    this.end(error.condition);
  }

  /** Takes the link out of the hub; writes nothing to the client. */
  end(condition?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.connection.links.delete(this);
    this.connection.journalLink(this.address, this.device?.identity.key, "ended", condition);
    for (const release of this.#whenEnded) release();
    this.device?.linkEnded(this);
  }
}
