import * as identity from "@azure/identity";
import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";
import { held, hold, official, rememberOnce, withoutLoop } from "./held.ts";
import type { Holding } from "./resilience.ts";
import type { Held } from "./tokens.ts";

/**
 * The official chain with its tokens kept at hand. The chain is repeated as a whole: credentials of ours in it make one
 * attempt each time.
 */
export class ChainedTokenCredential extends identity.ChainedTokenCredential {
  readonly #held: Held | undefined;

  constructor(...sources: TokenCredential[]) {
    const inner = sources.map(withoutLoop);
    super(...inner);
    this.#held = hold({}, () => new identity.ChainedTokenCredential(...inner));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

type DefaultOptions =
  | identity.DefaultAzureCredentialOptions
  | identity.DefaultAzureCredentialClientIdOptions
  | identity.DefaultAzureCredentialResourceIdOptions;

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class DefaultAzureCredential extends identity.DefaultAzureCredential {
  readonly #held: Held | undefined;

  constructor(options: Holding<DefaultOptions> = {}) {
    super(official(options));
    this.#held = hold(options, (inner) => new identity.DefaultAzureCredential(inner));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

/** {@link DefaultAzureCredential} with default options, as the official function of this name. */
export function getDefaultAzureCredential(): TokenCredential {
  return new DefaultAzureCredential();
}
