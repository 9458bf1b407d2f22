import { holdAnswer, releaseAnswer, type Link } from "./amqp-engine.ts";
import { codec, type Typed } from "./amqp-types.ts";
import { conditions, type AmqpError } from "./conditions.ts";
import type { BrokerLink } from "./link.ts";
import type { MessageQueue } from "./queue.ts";
import type { SessionHolder, SessionLock } from "./session-lock.ts";
import { texts, trackedError } from "./texts.ts";
import { ticksOf } from "./ticks.ts";

const FILTER = "com.microsoft:session-filter";
const TIMEOUT = "com.microsoft:timeout";
const LOCKED_UNTIL = "com.microsoft:locked-until-utc";

// AMQP 3.5.3: the fields of a source.
const FILTER_FIELD = 7;

/** What a link asks for: a session by id, the next one (`null`), or, undefined, none. */
export function requestedSession(engine: Link): string | null | undefined {
  const { filter } = engine.remote.attach.source;
  if (filter == null || !Object.hasOwn(filter, FILTER)) return undefined;
  const wanted = filter[FILTER];
  // AMQP 3.5.8 wants a filter described; some clients give the bare string.
  const value = typeof wanted === "object" && wanted !== null && "value" in wanted ? wanted.value : wanted;
  return typeof value === "string" ? value : null;
}

function ticks(wallMs: number): Typed {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(ticksOf(wallMs));
  return codec.wrap_long(bytes);
}

/** Says in the answer which session it is and until when it is locked. */
function announce(engine: Link, lock: SessionLock): void {
  const { attach } = engine.local;
  const asked = engine.remote.attach.source.described?.();
  if (asked !== undefined && Array.isArray(asked.value)) {
    const fields = [...(asked.value as (Typed | null)[])];
    while (fields.length <= FILTER_FIELD) fields.push(null);
    fields[FILTER_FIELD] = codec.Map32([codec.wrap_symbol(FILTER), codec.wrap_string(lock.session.id)]);
    attach.source = codec.described(codec.wrap_ulong(0x28), codec.wrap_list(fields));
  }
  attach.properties = { ...attach.properties, [LOCKED_UNTIL]: ticks(lock.lockedUntil) };
}

/**
 * A client attaches to a session of an entity. For the next session the answer is held back until there is one.
 * @param start - called when the session is locked, before the answer leaves
 * @param refuse - called when it cannot be, or when none came in time
 */
export function acceptSession(
  link: BrokerLink,
  queue: MessageQueue,
  wanted: string | null,
  start: (lock: SessionLock) => void,
  refuse: (error: AmqpError) => void,
): void {
  const { sessions } = queue;
  if (sessions === undefined) return;
  const { connection, engine } = link;
  const { broker } = connection;
  const tracking = broker.tracking(queue.path);
  const holder: SessionHolder = {
    place: link.place,
    lost() {
      link.detach(
        trackedError(conditions.sessionLockLost, texts.sessionLockExpired, broker.tracking(queue.path)),
      );
    },
  };
  const accepted = (lock: SessionLock): void => {
    link.whenEnded(() => {
      sessions.release(lock);
    });
    announce(engine, lock);
    start(lock);
  };
  if (wanted !== null) {
    const lock = sessions.accept(wanted, holder);
    if (lock !== undefined) accepted(lock);
    else {
      refuse(trackedError(conditions.sessionCannotBeLocked, texts.sessionCannotBeLocked(wanted), tracking));
    }
    return;
  }
  const asked = engine.properties?.[TIMEOUT];
  const waitMs = typeof asked === "number" ? asked : broker.settings.sessionWaitMs;
  const next = sessions.acceptNext(holder);
  if (next !== undefined) {
    accepted(next);
    return;
  }
  holdAnswer(engine);
  const giveUp = sessions.waitForNext(holder, waitMs, (lock) => {
    if (lock === undefined) {
      releaseAnswer(engine, connection.engine);
      refuse(trackedError(conditions.timeout, texts.timedOut(waitMs), tracking));
    } else {
      accepted(lock);
      releaseAnswer(engine, connection.engine);
    }
  });
  link.whenEnded(() => {
    giveUp();
    // A link that the client gives up meanwhile is answered like one that was refused, then closed.
    engine.local.attach.source = undefined;
    if (!connection.isGone) releaseAnswer(engine, connection.engine);
  });
}
