import { codec, pairsOf, type Typed, type TypedPairs } from "./amqp-types.ts";
import { outcomes, type Delivery, type LinkContext, type SenderLink } from "./amqp-engine.ts";
import { conditions, type AmqpError } from "./conditions.ts";
import type { BrokerLink } from "./link.ts";
import { dotNetByteOrder, lockTokenText } from "./lock-token.ts";
import type { MessageQueue } from "./queue.ts";
import type { SessionLock } from "./session-lock.ts";
import type { Settlement } from "./settlement.ts";
import { texts, trackedError } from "./texts.ts";

type Outcome = "accepted" | "rejected" | "released" | "modified";

/** Properties for the message, except those names. Annotations are named by symbols, properties by strings. */
function propertiesIn(map: Typed | undefined, except: readonly string[] = []): TypedPairs {
  const pairs = pairsOf(map);
  return pairs.flatMap((key, index) => {
    const [name, value] = [String(key.value), pairs[index + 1]];
    if (index % 2 === 1 || value === undefined || except.includes(name)) return [];
    return [codec.wrap_string(name), value];
  });
}

/** What an outcome of AMQP 3.4 means to Service Bus, and the outcome of the same kind that answers it. */
function settlementOf(
  outcome: Outcome,
  delivery: Delivery,
): { what: Omit<Settlement, "via" | "connection">; reply: Typed } {
  const state = delivery.remote_state;
  switch (outcome) {
    case "accepted":
      return { what: { disposition: "completed" }, reply: outcomes.accepted() };
    case "released":
      return { what: { disposition: "released" }, reply: outcomes.released() };
    case "modified":
      return {
        what: {
          disposition: state?.undeliverable_here === true ? "deferred" : "abandoned",
          properties: propertiesIn(state?.value[2]),
        },
        reply: outcomes.modified(),
      };
    case "rejected": {
      const { info = {}, description } = state?.error ?? {};
      const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
      const cause = {
        reason: text(info["DeadLetterReason"]),
        description: text(info["DeadLetterErrorDescription"]) ?? text(description),
      };
      // AMQP 2.8.14: condition, description, info. What is there beside the reasons goes to the message.
      const fields: unknown = state?.value[0]?.value;
      const properties = propertiesIn(Array.isArray(fields) ? (fields[2] as Typed | undefined) : undefined, [
        "DeadLetterReason",
        "DeadLetterErrorDescription",
      ]);
      // Without an error: clients read an error in the answer as the failure of the settlement.
      return { what: { disposition: "dead-lettered", cause, properties }, reply: outcomes.rejected() };
    }
  }
}

/** Hears the dispositions of a receiving client and answers them. AMQP 2.6.12. */
export function listenForSettlement(
  link: BrokerLink,
  queue: MessageQueue,
  sender: SenderLink,
  session?: SessionLock,
): void {
  for (const outcome of ["accepted", "rejected", "released", "modified"] as const) {
    sender.on(outcome, ({ delivery }: LinkContext) => {
      if (delivery !== undefined && !link.hasEnded) settle(link, queue, delivery, outcome, session);
    });
  }
  sender.on("settled", ({ delivery }: LinkContext) => {
    if (delivery === undefined || delivery.settled) return;
    // AMQP 2.6.12: settled without an outcome; the message was not consumed.
    if (delivery.remote_state == null) settle(link, queue, delivery, "released", session);
    delivery.settled = true;
  });
}

function settle(
  link: BrokerLink,
  queue: MessageQueue,
  delivery: Delivery,
  outcome: Outcome,
  session?: SessionLock,
): void {
  const { connection } = link;
  const { broker } = connection;
  const token = dotNetByteOrder(delivery.tag);
  link.touch();
  const { what, reply } = settlementOf(outcome, delivery);
  const answer = (state: Typed): void => {
    if (connection.isGone || link.hasEnded) return;
    delivery.update(true, state);
    // The client owes no further frame; without this the engine would wait for one and its buffer would fill.
    delivery.remote_settled = true;
  };
  const refuse = (error: AmqpError): void => {
    broker.ledgers.refusals.add({
      at: broker.clock.now(),
      step: "settle",
      entity: queue.path,
      connection: connection.id,
      condition: error.condition,
      description: error.description ?? "",
      messageIds: [],
      lockToken: lockTokenText(token),
    });
    answer(outcomes.rejected(error));
  };
  const perform = (): boolean => queue.settle(token, { ...what, via: "link", connection: connection.id });
  const tracking = broker.tracking(queue.path);
  const fault = broker.fault("settle", queue.path);
  if (fault?.kind === "refuse") {
    refuse(trackedError(fault.condition, fault.description, tracking));
    return;
  }
  if (fault === undefined || fault.kind === "delay") {
    const done = perform();
    const finish = (): void => {
      if (done) answer(reply);
      else if (session === undefined || session.isHeld) {
        refuse(trackedError(conditions.messageLockLost, texts.lockLost, tracking));
      } else {
        refuse(trackedError(conditions.sessionLockLost, texts.sessionLockLost, tracking));
      }
    };
    if (fault === undefined) finish();
    else connection.after(fault.ms, finish);
    return;
  }
  if (fault.stored) perform();
  delivery.settled = true;
  delivery.remote_settled = true;
  if (fault.kind === "detach") {
    const { condition = conditions.detachForced, description = texts.idleTimeout(link.engine.name) } = fault;
    link.detach(trackedError(condition, description, tracking));
  } else if (fault.kind !== "lose-acknowledgement") {
    connection.suffer(fault);
  }
}
