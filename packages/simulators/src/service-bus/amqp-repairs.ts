import type {
  Connection,
  Delivery,
  ReceiverLink,
  SenderLink,
  Session,
  UpdateDelivery,
} from "./amqp-engine.ts";

// What the service announces in its begin frames.
const HANDLE_MAX = 255;

/** Repairs on a new session what rhea leaves out. Call when the session opens. */
export function prepareSession(session: Session): void {
  session.local.begin.handle_max = HANDLE_MAX;
  const onAttach = session.on_attach.bind(session);
  session.on_attach = (frame) => {
    const { name = "", role, handle } = frame.performative;
    // AMQP 2.7.2: a handle beyond handle-max is a framing error.
    if ((handle ?? 0) > HANDLE_MAX) throw new Error(`The handle-max of ${String(HANDLE_MAX)} was exceeded.`);
    const namesake = session.links[name];
    // AMQP 2.6.1: a link is identified by its name and its direction; rhea knows links by name alone.
    if (namesake !== undefined && namesake.is_receiver() === role) {
      session.links[`${name}\0${role ? "receiver" : "sender"}`] = namesake;
      Reflect.deleteProperty(session.links, name);
    }
    onAttach(frame);
  };
  session.remove_link = (link) => {
    for (const links of [session.links, session.local.handles, session.remote.handles]) {
      for (const [key, other] of Object.entries(links))
        if (other === link) Reflect.deleteProperty(links, key);
    }
  };
  const onTransfer = session.on_transfer.bind(session);
  session.on_transfer = (frame) => {
    const { performative } = frame;
    const link = performative.handle == null ? undefined : session.remote.handles[performative.handle];
    if (performative.aborted === true && link?._incomplete !== undefined) {
      // AMQP 2.7.5: an aborted delivery is discarded and implicitly settled.
      link._incomplete.settled = true;
      link._incomplete = undefined;
      link.credit -= 1;
      link.delivery_count += 1;
      return;
    }
    // rhea decodes format 0 to plain values, which loses AMQP types; without a format it hands over the bytes.
    if (performative.message_format === 0) performative.message_format = undefined;
    onTransfer(frame);
  };
  separateDispositions(session);
  openBeforeSending(session);
  const onFlow = session.on_flow.bind(session);
  session.on_flow = (frame) => {
    onFlow(frame);
    if (frame.performative.echo !== true) return;
    // AMQP 2.7.4: the peer asks for our state.
    const { handle } = frame.performative;
    const link = handle == null ? undefined : session.remote.handles[handle];
    if (link?.state.local_open === true) {
      link.issue_flow = true;
      return;
    }
    writeBegin(session);
    session._write_flow();
  };
}

function writeBegin(session: Session): void {
  if (session.state.need_open()) session.output(session.local.begin);
}

/**
 * AMQP 2.5.1, 2.6.3: nothing is sent in a session or on a link that was not begun. A client may grant credit in one
 * breath with its attach, as Qpid Proton does; rhea would write the transfers first and its own attach after them.
 */
function openBeforeSending(session: Session): void {
  const { outgoing } = session;
  const process = outgoing.process.bind(outgoing);
  outgoing.process = () => {
    writeBegin(session);
    for (const link of Object.values(session.links)) {
      if (link.state.need_open()) session.output(link.local.attach);
    }
    process();
  };
}

// AMQP 3.4.2.
const ACCEPTED = 0x24;

/**
 * rhea writes the dispositions of neighbouring deliveries as one range and never compares the first two (session.js,
 * write_dispositions): a rejection beside an acceptance would reach the client as an acceptance, or the reverse.
 * Here only acceptances share a range.
 */
function separateDispositions(session: Session): void {
  const { incoming, outgoing } = session;
  const write = (deliveries: Delivery[]): void => {
    const others = incoming.updated;
    incoming.updated = deliveries;
    incoming.process(session);
    incoming.updated = others;
  };
  const flushAround =
    (update: UpdateDelivery, take: () => Delivery[]): UpdateDelivery =>
    (delivery, settled, state) => {
      const isAccepted = Number(state?.descriptor?.value) === ACCEPTED;
      if (!isAccepted) write(take());
      update(delivery, settled, state);
      if (!isAccepted) write(take());
    };
  incoming.update = flushAround(incoming.update.bind(incoming), () => {
    const waiting = incoming.updated;
    incoming.updated = [];
    return waiting;
  });
  outgoing.update = flushAround(outgoing.update.bind(outgoing), () => {
    const waiting = outgoing.pending_dispositions;
    outgoing.pending_dispositions = [];
    return waiting;
  });
}

/** How much a client lets the simulator send on a link. */
export interface LinkCredit {
  /** Deliveries that may be started now. rhea itself counts a delivery only once it is written. */
  readonly available: number;
  /** Counts a delivery that was started. */
  spend(): void;
}

/** Repairs on a new sending link what rhea leaves out, and keeps its credit. */
export function prepareSender(sender: SenderLink): LinkCredit {
  let spent = 0;
  // AMQP 2.6.7: a drain is answered even when no credit is left to give back; rhea answers only otherwise, and a
  // client whose drain crosses the last message would wait for ever.
  sender._get_drain = () => {
    if (!sender._draining || !sender._drained) return false;
    sender.delivery_count += sender.credit;
    spent += sender.credit;
    sender.credit = 0;
    sender._draining = false;
    return true;
  };
  return {
    get available() {
      return sender.credit + sender.delivery_count - spent;
    },
    spend() {
      spent += 1;
    },
  };
}

/** Takes over the sequence that the client starts its deliveries with (AMQP 2.6.7), which rhea assumes to be 0. */
export function prepareReceiver(receiver: ReceiverLink): void {
  receiver.delivery_count = receiver.remote.attach.initial_delivery_count ?? 0;
}

/**
 * Acts on the dispositions that have arrived. rhea does so a tick later, which is too late when a detach, an end or
 * a close came in the same segment.
 */
export function flushDispositions(connection: Connection): void {
  for (const session of Object.values(connection.local_channel_map)) session.outgoing.process();
}

/** Ends the timers of a connection that is gone; rhea sets them anew when the input that ended it has been read. */
export function stopHeartbeats(connection: Connection): void {
  process.nextTick(() => {
    clearTimeout(connection.heartbeat_in);
    clearTimeout(connection.heartbeat_out);
  });
}

interface FrameHandlers {
  readonly remote_channel_map: Readonly<Record<number, unknown>>;
  on_disposition(frame: { readonly channel: number }): void;
  on_flow(frame: { readonly channel: number }): void;
}

/**
 * Lets pass what a client still says about a session that it has ended: messages were on their way to it, and the
 * official clients settle them all the same. AMQP 2.5.5 does not allow it; the service does not mind.
 */
export function forgiveLateFrames(connection: Connection): void {
  const handlers = connection as unknown as FrameHandlers;
  for (const name of ["on_disposition", "on_flow"] as const) {
    const handle = handlers[name].bind(handlers);
    handlers[name] = (frame) => {
      if (handlers.remote_channel_map[frame.channel] !== undefined) handle(frame);
    };
  }
}

interface Performative {
  readonly value: unknown[];
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
}

/** How many fields each performative has. AMQP 2.7. */
const fieldCounts: Readonly<Record<number, number>> = {
  0x10: 10,
  0x11: 8,
  0x12: 14,
  0x13: 11,
  0x14: 11,
  0x15: 6,
  0x16: 3,
  0x17: 1,
  0x18: 1,
};

/**
 * Writes every field of a performative, as the service does: rhea leaves out those behind the last that is set, and
 * the Python clients of today look for fields by their place from the end.
 */
export function writeWholePerformatives(connection: Connection): void {
  const writer = connection as unknown as {
    _write_frame(channel?: number, frame?: Performative, payload?: Buffer): void;
  };
  const write = writer._write_frame.bind(writer);
  writer._write_frame = (channel, frame, payload) => {
    const count = fieldCounts[frame?.constructor.descriptor?.numeric ?? 0] ?? 0;
    while (frame !== undefined && frame.value.length < count) frame.value.push(null);
    write(channel, frame, payload);
  };
}
