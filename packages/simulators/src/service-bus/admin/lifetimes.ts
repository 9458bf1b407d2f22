/** When an entity was made and last changed, in milliseconds since the epoch. */
export interface Lifetime {
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The lifetimes of entities. Those that the simulator started with are as old as it is. */
export class Lifetimes {
  readonly #startedAt: number;
  readonly #known = new WeakMap<object, Lifetime>();

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  of(entity: object): Lifetime {
    return this.#known.get(entity) ?? { createdAt: this.#startedAt, updatedAt: this.#startedAt };
  }

  /** In the service an entity is complete a moment after it was begun, and its clients' tests rely on it. */
  created(entity: object, at: number): void {
    this.#known.set(entity, { createdAt: at - 1, updatedAt: at });
  }

  updated(entity: object, at: number): void {
    this.#known.set(entity, { createdAt: this.of(entity).createdAt, updatedAt: at });
  }
}
