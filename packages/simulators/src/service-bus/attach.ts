import { holdAnswer, releaseAnswer, type Link, type LinkContext } from "./amqp-engine.ts";
import { prepareReceiver } from "./amqp-repairs.ts";
import { acceptSession, requestedSession } from "./accept-session.ts";
import { attachToCbs } from "./cbs.ts";
import { conditions, type AmqpError } from "./conditions.ts";
import type { BrokerConnection } from "./connection.ts";
import type { Node } from "./entities.ts";
import { isReceivable, isSendable } from "./entity.ts";
import { attachReceiver } from "./deliver.ts";
import type { AttachEntry } from "./journal-entries.ts";
import { BrokerLink } from "./link.ts";
import { attachToManagement } from "./management/node.ts";
import type { Claim } from "./options.ts";
import type { SessionLock } from "./session-lock.ts";
import { entityPath } from "./sas-token.ts";
import { texts, trackedError } from "./texts.ts";
import { attachSender } from "./transfer.ts";

/** Refuses a link: an attach without source and target, then a detach with the error. AMQP 2.6.3. */
function refuse(link: BrokerLink, error: AmqpError): void {
  // A refused attach that echoed the terminus would look to clients like one that succeeded.
  link.engine.local.attach.source = undefined;
  link.engine.local.attach.target = undefined;
  link.detach(error);
}

/** Answers with the terminus and the settle modes that the client asked for. */
function echo(engine: Link): void {
  const { attach } = engine.local;
  attach.source = engine.remote.attach.source.described?.();
  attach.target = engine.remote.attach.target.described?.();
  attach.snd_settle_mode = engine.snd_settle_mode ?? 2;
  attach.rcv_settle_mode = engine.rcv_settle_mode ?? 0;
}

/** The right that a link needs. */
function claimFor(role: AttachEntry["role"]): Claim {
  return role === "send" ? "Send" : "Listen";
}

/** Why the service itself would refuse this link, if it would. */
function refusalOf(
  connection: BrokerConnection,
  engine: Link,
  path: string,
  role: AttachEntry["role"],
): AmqpError | undefined {
  const { broker, claims } = connection;
  const tracking = broker.tracking(path);
  const now = broker.clock.wallNow();
  const allowed =
    role === "management"
      ? claims.allows("Listen", path, now) || claims.allows("Send", path, now)
      : claims.allows(claimFor(role), path, now);
  // AMQP 4.1: the coordinator of transactions is a target without an address.
  if (path === "" && role === "send") {
    return trackedError(conditions.notImplemented, texts.noTransactions, tracking);
  }
  // Rights come before existence: who may not look is not told what is there.
  if (!allowed) {
    const text = texts.claimMissing(claimFor(role), broker.resource(path));
    return trackedError(conditions.unauthorized, text, tracking);
  }
  const node = broker.node(path);
  if (node === undefined) {
    return trackedError(conditions.notFound, texts.entityNotFound(broker.resource(path)), tracking);
  }
  const problem = role === "management" ? undefined : unfitNode(node, role, requestedSession(engine));
  if (problem !== undefined) return trackedError(conditions.notAllowed, problem, tracking);
  const entity = role === "send" ? node.destination : (node.queue ?? node.destination);
  const isOpen =
    entity === undefined ||
    (role === "send"
      ? isSendable(entity)
      : role === "receive"
        ? isReceivable(entity)
        : entity.settings.status !== "Disabled");
  if (isOpen) return undefined;
  return trackedError(conditions.entityDisabled, texts.entityDisabled(broker.resource(path)), tracking);
}

/** Why this node cannot serve such a link, if it cannot. */
function unfitNode(
  { destination, queue, path }: Node,
  role: "send" | "receive",
  session: string | null | undefined,
): string | undefined {
  if (role === "send") return destination === undefined ? texts.notADestination(path) : undefined;
  if (queue === undefined) return texts.notASource(path);
  if (queue.sessions === undefined) return session === undefined ? undefined : texts.sessionNotSupported;
  return session === undefined ? texts.sessionRequired : undefined;
}

/** A client attaches a link. AMQP 2.6.3. */
export function attach(connection: BrokerConnection, { sender, receiver }: LinkContext): void {
  const engine = receiver ?? sender;
  if (engine === undefined) return;
  if (receiver !== undefined) prepareReceiver(receiver);
  const terminus = receiver === undefined ? engine.remote.attach.source : engine.remote.attach.target;
  const path = entityPath(terminus.address ?? "");
  if (path === "$cbs") {
    echo(engine);
    attachToCbs(connection, { sender, receiver });
    return;
  }
  const { broker } = connection;
  const node = broker.node(path);
  const role = path.endsWith("/$management") ? "management" : receiver === undefined ? "receive" : "send";
  const link = new BrokerLink(connection, engine, broker.entityName(path), role, {
    claim: claimFor(role),
    path,
  });
  const journal = (outcome: AttachEntry["outcome"], condition?: string): void => {
    broker.ledgers.attaches.add({
      at: broker.clock.now(),
      ...link.place,
      entity: link.entity,
      role,
      outcome,
      ...(condition === undefined ? {} : { condition }),
    });
  };
  const refuseWith = (error: AmqpError): void => {
    journal("refused", error.condition);
    broker.ledgers.refusals.add({
      at: broker.clock.now(),
      step: "attach",
      entity: link.entity,
      connection: connection.id,
      condition: error.condition,
      description: error.description ?? "",
      messageIds: [],
    });
    refuse(link, error);
  };
  const asksForSession = role === "receive" && requestedSession(engine) !== undefined;
  const attachFault = broker.fault("attach", link.entity);
  const fault = attachFault ?? (asksForSession ? broker.fault("accept-session", link.entity) : undefined);
  if (fault?.kind === "refuse") {
    refuseWith(trackedError(fault.condition, fault.description, broker.tracking(link.entity)));
    return;
  }
  const error = refusalOf(connection, engine, path, role);
  if (error !== undefined || node === undefined) {
    refuseWith(error ?? { condition: conditions.notFound });
    return;
  }
  echo(engine);
  const begin = (lock?: SessionLock): void => {
    journal("attached");
    if (role === "management") attachToManagement(link, node, { sender, receiver });
    else if (receiver !== undefined && node.destination !== undefined) {
      attachSender(link, node.destination, receiver);
    } else if (sender !== undefined && node.queue !== undefined) {
      attachReceiver(link, node.queue, sender, lock);
    }
  };
  const wanted = requestedSession(engine);
  const start = (): void => {
    if (link.hasEnded) return;
    if (wanted === undefined || node.queue === undefined) begin();
    else acceptSession(link, node.queue, wanted, begin, refuseWith);
  };
  if (fault === undefined) {
    start();
    return;
  }
  switch (fault.kind) {
    case "deaf":
      link.isDeaf = true;
      start();
      break;
    case "delay":
      holdAnswer(engine);
      connection.after(fault.ms, () => {
        if (link.hasEnded) return;
        releaseAnswer(engine, connection.engine);
        start();
      });
      break;
    case "lose-acknowledgement":
      // The session is locked all the same, for a link that never hears of it.
      if (attachFault === undefined && fault.stored) start();
      else journal("unanswered");
      holdAnswer(engine);
      break;
    case "detach": {
      const { condition = conditions.detachForced, description = texts.idleTimeout(engine.name) } = fault;
      const detached = trackedError(condition, description, broker.tracking(link.entity));
      start();
      if (fault.afterMs === 0) link.detach(detached);
      else {
        connection.after(fault.afterMs, () => {
          link.detach(detached);
        });
      }
      break;
    }
    default:
      journal("unanswered");
      connection.suffer(fault);
  }
}
