/** A deliberate mistake in ours: the text of one place in a source file, and what stands there instead. */
export interface Mutant {
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Mistakes that the schedules must find: a check that never fires proves nothing. Each text occurs once in its file, which
 * the suite asserts, so that a mutant does not outlive the line it breaks.
 */
export const mutants: readonly Mutant[] = [
  {
    name: "a resend carries an id of its own",
    file: "packages/service-bus/src/parcel.ts",
    from: "content.message,\n      options === undefined",
    to: "this.attempt.number > 1 ? ({ ...content.message, messageId: crypto.randomUUID() } as never) : content.message,\n      options === undefined",
  },
  {
    name: "the server's hint is dropped",
    file: "packages/core/src/decide.ts",
    from: "return hintMs + nextWait(",
    to: "return 0 * hintMs + 0.1 * nextWait(",
  },
  {
    name: "a lost link counts as an acknowledgement",
    file: "packages/service-bus/src/transfers.ts",
    from: "transfer.end(error);\n    transfer.cargo.refused(error);",
    to: "transfer.end(error);\n    transfer.cargo.accepted();",
  },
  {
    name: "a settlement that was cut counts as confirmed",
    file: "packages/service-bus/src/link-settlements.ts",
    from: "settlement.fail(settlementCutError(this.#entityPath));",
    to: "(settlement as unknown as { confirmed: () => void }).confirmed();",
  },
  {
    name: "completing abandons",
    file: "packages/service-bus/src/settling.ts",
    from: "perform: (receiver, message) => receiver.completeMessage(message),",
    to: "perform: (receiver, message) => receiver.abandonMessage(message),",
  },
  {
    name: "what a handler threw at is completed",
    file: "packages/service-bus/src/handler-work.ts",
    from: 'how = "abandon";',
    to: 'how = "complete";',
  },
  {
    name: "a message is completed before it is handled",
    file: "packages/service-bus/src/handler-work.ts",
    from: "        await this.#handlers.processMessage(message);",
    to: '        if (lease !== undefined) await this.#settle(lease, "complete"); await this.#handlers.processMessage(message);',
  },
  {
    name: "locks are not renewed",
    file: "packages/core/src/renewer.ts",
    from: "return Math.max(0, lifeMs - marginMs * (1 + random() / 4));",
    to: "return lifeMs * 100 + 0 * marginMs * random();",
  },
  {
    name: "a subscription that lost its link stays without one",
    file: "packages/service-bus/src/subscription.ts",
    from: "    this.#failed(error);\n    this.#open(error);",
    to: "    this.#failed(error);",
  },
  {
    name: "close() does not wait for handlers",
    file: "packages/service-bus/src/subscription.ts",
    from: "await withinTime(this.#work.done(), ms, clock);",
    to: "void [this.#work, ms, clock];",
  },
];
