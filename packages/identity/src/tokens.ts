import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";
import { TokenSource } from "@holdfast/core";
import { Exchange, rememberAnswer, withAnswers } from "./exchange.ts";
import type { Resilience } from "./resilience.ts";

type GetToken = (scopes: string | string[], options?: GetTokenOptions) => Promise<AccessToken | null>;

/** Core's source of tokens with the official shapes. */
export type Tokens = TokenSource<AccessToken, GetTokenOptions>;

/** What a drop-in credential asks in place of itself. */
export interface Held {
  readonly tokens: Tokens;
  /** One attempt, unrepeated: for a chain, which is repeated as a whole. */
  readonly once: GetToken;
}

/** Over a credential that somebody else has made. */
export function tokensOver(credential: TokenCredential, resilience: Resilience): Tokens {
  return new TokenSource({
    ...resilience,
    getToken: (scopes, options) => credential.getToken(scopes, options),
  });
}

/**
 * Over official credentials that are thrown away when they fail: after a 429 or 5xx an official credential refuses to ask
 * again for up to a minute, although the issuer is back (measured with 4.13.1; MSAL's throttling cache).
 */
export function heldBy(make: (exchange: Exchange) => TokenCredential, resilience: Resilience): Held {
  let present: { readonly credential: TokenCredential; readonly exchange: Exchange } | undefined;
  const once: GetToken = async (scopes, options) => {
    if (present === undefined) {
      const exchange = new Exchange();
      present = { credential: make(exchange), exchange };
    }
    const used = present;
    try {
      return await used.credential.getToken(scopes, options);
    } catch (error) {
      rememberAnswer(error, used.exchange.refusal);
      if (present === used) present = undefined;
      throw error;
    }
  };
  const classify = withAnswers(resilience.classify);
  return {
    once,
    tokens: new TokenSource<AccessToken, GetTokenOptions>({ ...resilience, classify, getToken: once }),
  };
}
