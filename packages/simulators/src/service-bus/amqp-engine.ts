import type { EventEmitter } from "node:events";
import rhea from "rhea";
import type { Wire } from "../sockets/wire.ts";
import type { AmqpError } from "./conditions.ts";
import { writeWholePerformatives } from "./amqp-repairs.ts";
import type { Typed } from "./amqp-types.ts";

// The one place that knows rhea from the inside. Its typings are `any` at many places that matter and leave out
// what a server with faults needs (holding an answer back, raw transfers), so the used part is described here.

/** A delivery state or outcome. AMQP 3.4. */
export interface DeliveryState {
  readonly value: readonly (Typed | undefined)[];
  readonly undeliverable_here?: boolean;
  readonly error?: {
    readonly condition?: string;
    readonly description?: string;
    readonly info?: Record<string, unknown>;
  };
}

/** AMQP 2.6.12: a transfer and its settlement. */
export interface Delivery {
  readonly id: number;
  readonly tag: Buffer;
  readonly format: number | null;
  settled: boolean;
  remote_settled: boolean;
  readonly remote_state?: DeliveryState;
  update(settled: boolean, state?: Typed): void;
}

/** A source or a target. AMQP 3.5. rhea gives an absent one as a typed null, which has none of this. */
export interface Terminus {
  readonly address?: string | null;
  /** AMQP 3.5.8: a filter by name. */
  readonly filter?: Readonly<Record<string, unknown>> | null;
  described?(): Typed;
}

/** AMQP 2.6: a link endpoint of the simulator. */
export interface Link extends EventEmitter {
  readonly name: string;
  readonly session: Session;
  readonly snd_settle_mode?: number | null;
  readonly rcv_settle_mode?: number | null;
  readonly properties?: Record<string, unknown>;
  readonly local: { readonly attach: LocalAttach };
  readonly remote: {
    readonly attach: {
      readonly source: Terminus;
      readonly target: Terminus;
      readonly initial_delivery_count?: number | null;
    };
    readonly detach?: { readonly closed?: boolean };
  };
  readonly state: {
    open_requests: number;
    readonly local_open: boolean;
    mark(marker: object): void;
    need_open(): boolean;
  };
  readonly error?: { readonly condition?: string; readonly description?: string };
  credit: number;
  delivery_count: number;
  issue_flow: boolean;
  _incomplete?: { settled: boolean } | undefined;
  close(error?: AmqpError): void;
  detach(): void;
  remove(): void;
  is_receiver(): boolean;
}

interface LocalAttach {
  source: Typed | undefined;
  target: Typed | undefined;
  snd_settle_mode: number;
  rcv_settle_mode: number;
  max_message_size: number;
  properties: Record<string, unknown>;
}

/** The simulator receives on it. */
export interface ReceiverLink extends Link {
  add_credit(credit: number): void;
}

/** The simulator sends on it. */
export interface SenderLink extends Link {
  _draining: boolean;
  _drained: boolean;
  _get_drain(): boolean;
  send(payload: Buffer, tag: Buffer, format: number): Delivery;
  set_drained(drained: boolean): void;
}

interface Performative {
  readonly name?: string;
  readonly role?: boolean;
  message_format: number | undefined | null;
  readonly aborted?: boolean;
  readonly echo?: boolean;
  readonly handle?: number | null;
}
interface Frame {
  readonly performative: Performative;
}

/** Queues a disposition to be written. */
export type UpdateDelivery = (delivery: Delivery, settled: boolean, state?: Typed) => void;

/** AMQP 2.5. */
export interface Session {
  readonly local: { readonly begin: { handle_max: number }; readonly handles: Record<number, Link> };
  readonly state: { need_open(): boolean };
  readonly remote: { readonly handles: Record<number, Link> };
  readonly links: Record<string, Link>;
  end(error?: AmqpError): void;
  output(frame: unknown): void;
  readonly outgoing: { pending_dispositions: Delivery[]; process(): void; update: UpdateDelivery };
  readonly incoming: { updated: Delivery[]; process(session: Session): void; update: UpdateDelivery };
  on_attach(frame: Frame): void;
  on_transfer(frame: Frame): void;
  remove_link(link: Link): void;
  on_flow(frame: Frame): void;
  _write_flow(link?: Link): void;
}

/** AMQP 2.4. */
export interface Connection extends EventEmitter {
  readonly remote: {
    readonly open?: {
      readonly container_id?: string;
      readonly hostname?: string;
      readonly channel_max?: number;
      readonly properties?: Record<string, unknown>;
    };
  };
  readonly state: { open_requests: number };
  readonly local_channel_map: Record<number, Session>;
  socket_ready: boolean;
  heartbeat_in?: NodeJS.Timeout | undefined;
  heartbeat_out?: NodeJS.Timeout | undefined;
  close(error?: AmqpError): void;
  _disconnected(): void;
  _process(): void;
  _register(): void;
  accept(wire: Wire): void;
}

/** What rhea's events carry. */
export interface LinkContext {
  readonly receiver?: ReceiverLink;
  readonly sender?: SenderLink;
  readonly session: Session;
  readonly delivery?: Delivery;
  readonly message?: Buffer;
}

/** A link that a client has just attached: one of the two. */
export interface NewLink {
  readonly receiver: ReceiverLink | undefined;
  readonly sender: SenderLink | undefined;
}

/** AMQP 5.3: one mechanism's exchange. */
export interface SaslExchange {
  outcome: boolean | undefined;
  username: string | undefined;
  start(response: Buffer | null, hostname: string | null): void;
}

interface Container extends EventEmitter {
  sasl_server_mechanisms: Record<string, () => SaslExchange>;
  create_connection(options: object): Connection;
}

interface Message {
  decode(buffer: Buffer): RequestMessage;
  encode(message: object): Buffer;
  data_section(data: Buffer): unknown;
  accepted(): { described(): Typed };
  released(): { described(): Typed };
  rejected(fields: { error?: AmqpError }): { described(): Typed };
  modified(fields: object): { described(): Typed };
}

/** A decoded request to `$cbs` or `$management`. */
export interface RequestMessage {
  readonly message_id?: string | number | Buffer;
  readonly correlation_id?: string | number | Buffer;
  readonly reply_to?: string;
  readonly application_properties?: Record<string, unknown>;
  readonly body?: unknown;
}

const engine = rhea as unknown as { create_container(options: object): Container; message: Message };

/** Encoding and decoding of whole messages as plain objects: for requests and answers, never for stored messages. */
export const message = engine.message;

/** A body of bytes, for {@link message}'s `encode`. AMQP 3.2.6. */
export function dataSection(bytes: Buffer): unknown {
  return engine.message.data_section(bytes);
}

/** AMQP 3.4: the outcomes of a delivery. */
export const outcomes = {
  accepted: (): Typed => engine.message.accepted().described(),
  released: (): Typed => engine.message.released().described(),
  rejected: (error?: AmqpError): Typed =>
    engine.message.rejected(error === undefined ? {} : { error }).described(),
  modified: (): Typed => engine.message.modified({}).described(),
};

/** What the service announces in its open frame, and the engine's own limits. */
const connectionOptions = {
  max_frame_size: 65_536,
  channel_max: 4_999,
  idle_time_out: 240_000,
  reconnect: false,
  // rhea frees deliveries in order only; the service itself has no such bound.
  session_buffer_size: { incoming: 5_000, outgoing: 1_000_000 },
  receiver_options: { autoaccept: false, autosettle: false, credit_window: 0 },
  sender_options: { autosettle: false, treat_modified_as_released: false },
};

/**
 * Starts AMQP on a wire.
 * @param mechanisms - SASL mechanisms, in the order in which they are offered
 */
export function acceptConnection(
  wire: Wire,
  containerId: string,
  mechanisms: Record<string, () => SaslExchange>,
  listen: (connection: Connection) => void,
): Connection {
  const container = engine.create_container({ id: containerId });
  for (const [name, exchange] of Object.entries(mechanisms))
    container.sasl_server_mechanisms[name] = exchange;
  const connection = container.create_connection({ ...connectionOptions, container_id: containerId });
  writeWholePerformatives(connection);
  listen(connection);
  connection.accept(wire);
  return connection;
}

/** Holds back the answer to an attach (AMQP 2.6.3) or to an open (AMQP 2.4.1) until released. */
export function holdAnswer(endpoint: Link | Connection): void {
  endpoint.state.open_requests = 0;
}

/** Sends the answer that {@link holdAnswer} has held back. */
export function releaseAnswer(endpoint: Link | Connection, connection: Connection): void {
  endpoint.state.open_requests = 1;
  connection._register();
}
