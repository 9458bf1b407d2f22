import {
  message,
  outcomes,
  type LinkContext,
  type ReceiverLink,
  type RequestMessage,
  type SenderLink,
} from "./amqp-engine.ts";
import { prepareSender, type LinkCredit } from "./amqp-repairs.ts";
import type { BrokerConnection } from "./connection.ts";
import type { BrokerLink } from "./link.ts";
import { newLockToken } from "./lock-token.ts";

/** An answer, without its correlation. */
export interface Response {
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** A link on which answers go back, with those that wait for credit. */
class ReplyLink {
  readonly link: BrokerLink;
  readonly node: string;
  readonly #sender: SenderLink;
  readonly #credit: LinkCredit;
  readonly #waiting: Buffer[] = [];

  constructor(link: BrokerLink, node: string, sender: SenderLink) {
    this.link = link;
    this.node = node;
    this.#sender = sender;
    this.#credit = prepareSender(sender);
    sender.on("sender_flow", () => {
      this.#flush();
    });
    sender.on("sender_draining", () => {
      sender.set_drained(true);
      link.connection.engine._register();
    });
    for (const event of ["accepted", "rejected", "released", "modified", "settled"]) {
      sender.on(event, ({ delivery }: LinkContext) => {
        if (delivery === undefined || delivery.settled) return;
        delivery.update(true);
        delivery.remote_settled = true;
      });
    }
  }

  /** AMQP leaves it to the client where answers go: the target of its link, the link's name, or just this link. */
  isNamed(replyTo: string): boolean {
    return this.#sender.remote.attach.target.address === replyTo || this.#sender.name === replyTo;
  }

  send(response: Buffer): void {
    this.#waiting.push(response);
    this.#flush();
  }

  #flush(): void {
    while (this.#credit.available > 0 && !this.link.hasEnded) {
      const response = this.#waiting.shift();
      if (response === undefined) return;
      this.#credit.spend();
      this.link.touch();
      const delivery = this.#sender.send(response, newLockToken(), 0);
      // The official client treats answers as settled whatever it says; nothing depends on their settlement.
      if (this.#sender.local.attach.snd_settle_mode === 1) delivery.settled = true;
    }
  }
}

const replyLinks = new WeakMap<BrokerConnection, Set<ReplyLink>>();

function repliesOf(connection: BrokerConnection): Set<ReplyLink> {
  const links = replyLinks.get(connection) ?? new Set();
  replyLinks.set(connection, links);
  return links;
}

/** Attaches the half of a request-response node on which answers go back. */
export function attachReplies(link: BrokerLink, node: string, sender: SenderLink): void {
  const replies = repliesOf(link.connection);
  const reply = new ReplyLink(link, node, sender);
  replies.add(reply);
  link.whenEnded(() => replies.delete(reply));
}

function replyLinkFor(request: BrokerLink, node: string, replyTo: string | undefined): ReplyLink | undefined {
  const open = [...repliesOf(request.connection)].filter((reply) => reply.node === node).reverse();
  const named = replyTo === undefined ? [] : open.filter((reply) => reply.isNamed(replyTo));
  const near = (replies: ReplyLink[]): ReplyLink | undefined =>
    replies.find((reply) => reply.link.engine.session === request.engine.session) ?? replies[0];
  return near(named) ?? near(open);
}

/** A request that has arrived at a node, and the ways to deal with it. */
export interface Request {
  readonly message: RequestMessage;
  /** Sends the answer. */
  answer(response: Response): void;
}

/** Attaches the half of a request-response node on which requests arrive. */
export function attachRequests(
  link: BrokerLink,
  node: string,
  receiver: ReceiverLink,
  handle: (request: Request) => void,
): void {
  const { linkCredit } = link.connection.broker.settings;
  receiver.add_credit(linkCredit);
  receiver.on("message", ({ delivery, message: payload }: LinkContext) => {
    if (delivery === undefined || payload === undefined) return;
    if (receiver.credit <= linkCredit * 0.75) receiver.add_credit(linkCredit - receiver.credit);
    // The disposition of a request leaves before its response: it is queued now, everything else a tick later.
    delivery.update(true, outcomes.accepted());
    link.touch();
    if (link.hasEnded || link.isDeaf) return;
    const request = message.decode(payload);
    const answer = (response: Response): void => {
      if (link.connection.isGone) return;
      const { message_id, correlation_id, reply_to } = request;
      replyLinkFor(link, node, reply_to)?.send(
        message.encode({
          correlation_id: message_id ?? correlation_id,
          application_properties: response.applicationProperties,
          body: response.body ?? {},
        }),
      );
    };
    process.nextTick(() => {
      handle({ message: request, answer });
    });
  });
}
