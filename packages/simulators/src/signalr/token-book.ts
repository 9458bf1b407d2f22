import type { SimulatorClock } from "../clock.ts";
import type { Ledger } from "../journal/ledger.ts";
import { signToken, type Claims } from "./http/json-web-token.ts";
import type { TokenEntry, TokenIssuer, TokenSeen } from "./journal-entries.ts";

/** What a token is issued for. */
export interface TokenRequest {
  readonly issuer: TokenIssuer;
  readonly hub: string;
  readonly audience: string;
  readonly userId: string | undefined;
  readonly claims: Claims;
  readonly lifetimeMs: number;
  readonly key: string;
}

/** Numbers every token that was issued or seen, so that the journal can name them without showing them. */
export class TokenBook {
  readonly #known = new Map<string, { readonly number: number; readonly issuer: TokenIssuer | "client" }>();
  readonly #ledger: Ledger<TokenEntry>;
  readonly #clock: SimulatorClock;

  constructor(ledger: Ledger<TokenEntry>, clock: SimulatorClock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** Signs a token and remembers who issued it. */
  issue(request: TokenRequest): string {
    const now = this.#clock.wallNow();
    const expiresAt = now + request.lifetimeMs;
    // A scaled lifetime may be shorter than a second: the times are NumericDates, which may have a fraction.
    const claims = {
      ...request.claims,
      ...(request.userId === undefined ? {} : { "asrs.s.uid": request.userId }),
      // Two tokens of one second would be the same, and the journal could not tell a fresh one.
      jti: String(this.#known.size + 1),
      nbf: now / 1_000,
      iat: now / 1_000,
      exp: expiresAt / 1_000,
      aud: request.audience,
    };
    const token = signToken(claims, request.key);
    const number = this.#known.size + 1;
    this.#known.set(token, { number, issuer: request.issuer });
    this.#ledger.add({
      at: this.#clock.now(),
      number,
      issuer: request.issuer,
      hub: request.hub,
      userId: request.userId,
      sizeBytes: token.length,
      expiresAt,
    });
    return token;
  }

  /** Which token this is. */
  seen(token: string, place: TokenSeen["place"]): TokenSeen {
    let known = this.#known.get(token);
    if (known === undefined) {
      known = { number: this.#known.size + 1, issuer: "client" };
      this.#known.set(token, known);
    }
    return { ...known, place };
  }
}
