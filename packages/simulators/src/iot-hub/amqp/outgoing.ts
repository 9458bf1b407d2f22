import { randomBytes } from "node:crypto";
import type { Delivery, LinkContext, SenderLink } from "../../service-bus/amqp-engine.ts";
import { outcomes } from "../../service-bus/amqp-engine.ts";
import { prepareSender, type LinkCredit } from "../../service-bus/amqp-repairs.ts";
import type { HubLink } from "./link.ts";

/** How a client settled a message. AMQP 3.4. */
export type Outcome = "accepted" | "rejected" | "released" | "modified";

// AMQP 2.8.2: the sender settles every delivery before it sends it.
const SENDS_SETTLED = 1;

/** A link on which messages go to a client, with those that wait for credit. */
export class OutgoingLink {
  readonly #link: HubLink;
  readonly #sender: SenderLink;
  readonly #credit: LinkCredit;
  readonly #waiting: { payload: Buffer; settled?: ((outcome: Outcome) => void) | undefined }[] = [];
  readonly #unsettled = new Map<Delivery, (outcome: Outcome) => void>();

  /** @param whenCredit - called when the client can take more */
  constructor(link: HubLink, sender: SenderLink, whenCredit: () => void = () => undefined) {
    this.#link = link;
    this.#sender = sender;
    this.#credit = prepareSender(sender);
    sender.on("sender_flow", () => {
      this.#flush();
      if (!link.hasEnded) whenCredit();
    });
    sender.on("sender_draining", () => {
      sender.set_drained(true);
      link.connection.engine._register();
    });
    for (const outcome of ["accepted", "rejected", "released", "modified"] as const) {
      sender.on(outcome, ({ delivery }: LinkContext) => {
        if (delivery === undefined || link.hasEnded) return;
        const tell = this.#unsettled.get(delivery);
        this.#unsettled.delete(delivery);
        if (!delivery.settled) {
          delivery.update(true, outcomes[outcome]());
          delivery.remote_settled = true;
        }
        tell?.(outcome);
      });
    }
  }

  /** Whether a message would leave at once. */
  get isReady(): boolean {
    return !this.#link.hasEnded && this.#waiting.length === 0 && this.#credit.available > 0;
  }

  /** Whether the client asked for messages that need no settlement. */
  get sendsSettled(): boolean {
    return this.#sender.local.attach.snd_settle_mode === SENDS_SETTLED;
  }

  /** @param settled - called when the client has settled the message */
  send(payload: Buffer, settled?: (outcome: Outcome) => void): void {
    this.#waiting.push({ payload, settled });
    this.#flush();
  }

  #flush(): void {
    while (this.#credit.available > 0 && !this.#link.hasEnded) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#credit.spend();
      const delivery = this.#sender.send(next.payload, randomBytes(16), 0);
      if (this.sendsSettled) {
        delivery.settled = true;
        next.settled?.("accepted");
      } else if (next.settled !== undefined) this.#unsettled.set(delivery, next.settled);
    }
  }
}
