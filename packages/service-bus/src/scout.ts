import { Caution } from "./caution.ts";

/** The one of many that goes first while there is trouble; without trouble all go. */
export class Scout {
  readonly caution: Caution;
  #who: symbol | undefined;
  #hasFound = false;

  /** @param changed - called when there is trouble, and when it is over. */
  constructor(changed: () => void) {
    this.caution = new Caution(() => {
      if (!this.caution.isRaised) this.#who = undefined;
      changed();
    });
  }

  /** Whether one is under way, so that nobody else need be sent. */
  get isOut(): boolean {
    return this.#who !== undefined;
  }

  mayGo(me: symbol): boolean {
    if (this.caution.isRaised && this.#who === undefined) this.#send(me);
    return (this.#who ?? me) === me;
  }

  /** For who has got something: of all that were under way when the trouble began, the first is the scout. */
  mayKeep(me: symbol): boolean {
    if (!this.caution.isRaised) return true;
    if (!this.#hasFound) this.#send(me);
    this.#hasFound = true;
    return this.#who === me;
  }

  /** What it has tried shows nothing, or not soon: another may go. */
  giveUp(me: symbol): void {
    if (this.#who === me) this.#who = undefined;
  }

  #send(me: symbol): void {
    this.#who = me;
    this.#hasFound = false;
  }
}
