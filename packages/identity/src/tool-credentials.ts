import * as identity from "@azure/identity";
import type { AccessToken, GetTokenOptions } from "@azure/identity";
import { held, hold, official, rememberOnce } from "./held.ts";
import type { Holding } from "./resilience.ts";
import type { Held } from "./tokens.ts";

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class AzureCliCredential extends identity.AzureCliCredential {
  readonly #held: Held | undefined;

  constructor(options: Holding<identity.AzureCliCredentialOptions> = {}) {
    super(official(options));
    this.#held = hold(options, (inner) => new identity.AzureCliCredential(inner));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class AzureDeveloperCliCredential extends identity.AzureDeveloperCliCredential {
  readonly #held: Held | undefined;

  constructor(options: Holding<identity.AzureDeveloperCliCredentialOptions> = {}) {
    super(official(options));
    this.#held = hold(options, (inner) => new identity.AzureDeveloperCliCredential(inner));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class AzurePowerShellCredential extends identity.AzurePowerShellCredential {
  readonly #held: Held | undefined;

  constructor(options: Holding<identity.AzurePowerShellCredentialOptions> = {}) {
    super(official(options));
    this.#held = hold(options, (inner) => new identity.AzurePowerShellCredential(inner));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}
