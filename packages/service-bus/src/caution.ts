/**
 * Whether the service is in trouble, so that no more than one at a time is tried until that has gone well: a service that comes
 * back is not met by everybody at once, and what is fetched for nothing is little.
 */
export class Caution {
  readonly #changed: () => void;
  #troubles = 0;
  #isRaised = false;

  /** @param changed - called when it is raised, and when it is over. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isRaised(): boolean {
    return this.#isRaised;
  }

  /** How often there was trouble; remember it when something is begun, for {@link wentWell}. */
  get troubles(): number {
    return this.#troubles;
  }

  raise(): void {
    this.#troubles += 1;
    this.#isRaised = true;
    this.#changed();
  }

  /** What was begun after so many troubles went well: they are over. What was begun before the last says nothing of it. */
  wentWell(troubles: number): void {
    if (!this.#isRaised || troubles !== this.#troubles) return;
    this.#isRaised = false;
    this.#changed();
  }
}
