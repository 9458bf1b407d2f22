import * as identity from "@azure/identity";
import type { AccessToken, GetTokenOptions } from "@azure/identity";
import { held, hold, official, rememberOnce } from "./held.ts";
import type { Holding } from "./resilience.ts";
import type { Held } from "./tokens.ts";

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class WorkloadIdentityCredential extends identity.WorkloadIdentityCredential {
  readonly #held: Held | undefined;

  constructor(options: Holding<identity.WorkloadIdentityCredentialOptions> = {}) {
    super(official(options));
    this.#held = hold(options, (inner) => new identity.WorkloadIdentityCredential(inner));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class EnvironmentCredential extends identity.EnvironmentCredential {
  readonly #held: Held | undefined;

  constructor(options: Holding<identity.EnvironmentCredentialOptions> = {}) {
    super(official(options));
    this.#held = hold(options, (inner) => new identity.EnvironmentCredential(inner));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

type ManagedIdentityOptions =
  | identity.ManagedIdentityCredentialClientIdOptions
  | identity.ManagedIdentityCredentialResourceIdOptions
  | identity.ManagedIdentityCredentialObjectIdOptions;

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class ManagedIdentityCredential extends identity.ManagedIdentityCredential {
  readonly #held: Held | undefined;

  constructor(clientId: string, options?: Holding<identity.TokenCredentialOptions>);
  constructor(options?: Holding<ManagedIdentityOptions>);
  constructor(
    clientIdOrOptions?: string | Holding<ManagedIdentityOptions>,
    optionsAfterId?: Holding<identity.TokenCredentialOptions>,
  ) {
    const isId = typeof clientIdOrOptions === "string";
    const given: Holding<ManagedIdentityOptions> = isId
      ? { ...optionsAfterId, clientId: clientIdOrOptions }
      : (clientIdOrOptions ?? {});
    // The overloads of the official constructor cannot express a choice between them.
    type One = identity.ManagedIdentityCredentialClientIdOptions;
    super(official(given));
    this.#held = hold(given, (inner) => new identity.ManagedIdentityCredential(inner as One));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}
