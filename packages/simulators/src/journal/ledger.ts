/** One kind of thing the service did or saw, in order. Appended by the simulator at the moment it happens. */
export class Ledger<Entry extends { readonly at: number }> {
  #entries: Entry[] = [];
  readonly #entityOf: (entry: Entry) => string | undefined;

  /** @param entityOf - the entity an entry belongs to, for {@link of} */
  constructor(entityOf: (entry: Entry) => string | undefined = () => undefined) {
    this.#entityOf = entityOf;
  }

  add(entry: Entry): Entry {
    this.#entries.push(entry);
    return entry;
  }

  /** The entries of one entity (case-insensitive), or all of them; a copy, oldest first. */
  of(entity?: string): Entry[] {
    if (entity === undefined) return [...this.#entries];
    const wanted = entity.toLowerCase();
    return this.#entries.filter((entry) => this.#entityOf(entry)?.toLowerCase() === wanted);
  }

  clear(): void {
    this.#entries = [];
  }
}
