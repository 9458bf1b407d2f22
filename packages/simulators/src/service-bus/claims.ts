import type { Claim } from "./options.ts";
import { covers, entityPath } from "./sas-token.ts";

interface Grant {
  readonly claims: readonly Claim[];
  readonly expiresAt: number;
}

/** What one connection may do: the tokens it has put, by audience, and what SASL PLAIN gave it. */
export class ConnectionClaims {
  readonly #grants = new Map<string, Grant>();
  readonly #limit: number;
  #ofLogin: readonly Claim[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Distinct audiences held. Closing a link gives none back. */
  get size(): number {
    return this.#grants.size;
  }

  /** Keeps what a SASL PLAIN login with a key of the namespace gives: its claims on everything, without a token. */
  login(claims: readonly Claim[]): void {
    this.#ofLogin = claims;
  }

  /** Keeps a token; false when the connection holds the maximum of other audiences already. */
  put(audience: string, grant: Grant): boolean {
    const path = entityPath(audience);
    if (!this.#grants.has(path) && this.#grants.size >= this.#limit) return false;
    this.#grants.set(path, grant);
    return true;
  }

  /** Whether a token that has not expired gives `claim` on `path`. `Manage` includes the others. */
  allows(claim: Claim, path: string, now: number): boolean {
    const has = (claims: readonly Claim[]): boolean => claims.includes(claim) || claims.includes("Manage");
    if (has(this.#ofLogin)) return true;
    const wanted = path.toLowerCase();
    for (const [audience, grant] of this.#grants) {
      if (grant.expiresAt > now && covers(audience, wanted) && has(grant.claims)) return true;
    }
    return false;
  }
}
