import type { MessageContent } from "../message-format.ts";
import type { Rule } from "./rule.ts";
import { FilterFailure } from "./values.ts";

/** What a subscription takes of one message: copies, or why a filter failed on it. */
export type Selection =
  { readonly copies: readonly MessageContent[] } | { readonly failure: string; readonly rule: string };

/** The rules of a subscription, by name; case-insensitive, in the order in which they were added. */
export class RuleSet {
  readonly #rules = new Map<string, Rule>();

  get size(): number {
    return this.#rules.size;
  }

  /** Adds a rule; false when there is one of that name. */
  add(rule: Rule): boolean {
    const key = rule.name.toLowerCase();
    if (this.#rules.has(key)) return false;
    this.#rules.set(key, rule);
    return true;
  }

  /** Puts a rule in the place of the one of its name. */
  replace(rule: Rule): void {
    this.#rules.set(rule.name.toLowerCase(), rule);
  }

  get(name: string): Rule | undefined {
    return this.#rules.get(name.toLowerCase());
  }

  /** False when there is no rule of that name. */
  remove(name: string): boolean {
    return this.#rules.delete(name.toLowerCase());
  }

  list(): Rule[] {
    return [...this.#rules.values()];
  }

  /** A copy for each rule with an action that matches, and one for all that match without an action. */
  select(content: MessageContent): Selection {
    const copies: MessageContent[] = [];
    let takesPlain = false;
    for (const rule of this.#rules.values()) {
      try {
        if (!rule.matches(content)) continue;
        if (rule.change === undefined) takesPlain = true;
        else copies.push(rule.change(content));
      } catch (error) {
        if (error instanceof FilterFailure) return { failure: error.message, rule: rule.name };
        throw error;
      }
    }
    return { copies: takesPlain ? [content, ...copies] : copies };
  }
}
