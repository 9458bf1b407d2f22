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
    file: "packages/service-bus/src/coalescer.ts",
    from: "entry.single.message, entry.options",
    to: "{ ...entry.single.message, messageId: crypto.randomUUID() } as never, entry.options",
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
    from: "for (const fail of [...this.#underWay]) fail(error());",
    to: "for (const fail of [...this.#underWay]) { void error; fail(undefined as never); }",
  },
];
