import * as identity from "@azure/identity";
import type { AccessToken, GetTokenOptions } from "@azure/identity";
import { held, hold, official, rememberOnce } from "./held.ts";
import type { Holding } from "./resilience.ts";
import type { Held } from "./tokens.ts";

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class ClientSecretCredential extends identity.ClientSecretCredential {
  readonly #held: Held | undefined;

  constructor(
    tenantId: string,
    clientId: string,
    clientSecret: string,
    options: Holding<identity.ClientSecretCredentialOptions> = {},
  ) {
    super(tenantId, clientId, clientSecret, official(options));
    this.#held = hold(
      options,
      (inner) => new identity.ClientSecretCredential(tenantId, clientId, clientSecret, inner),
    );
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class ClientAssertionCredential extends identity.ClientAssertionCredential {
  readonly #held: Held | undefined;

  constructor(
    tenantId: string,
    clientId: string,
    getAssertion: () => Promise<string>,
    options: Holding<identity.ClientAssertionCredentialOptions> = {},
  ) {
    super(tenantId, clientId, getAssertion, official(options));
    this.#held = hold(
      options,
      (inner) => new identity.ClientAssertionCredential(tenantId, clientId, getAssertion, inner),
    );
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class AzurePipelinesCredential extends identity.AzurePipelinesCredential {
  readonly #held: Held | undefined;

  constructor(
    tenantId: string,
    clientId: string,
    serviceConnectionId: string,
    systemAccessToken: string,
    options: Holding<identity.AzurePipelinesCredentialOptions> = {},
  ) {
    super(tenantId, clientId, serviceConnectionId, systemAccessToken, official(options));
    this.#held = hold(
      options,
      (inner) =>
        new identity.AzurePipelinesCredential(
          tenantId,
          clientId,
          serviceConnectionId,
          systemAccessToken,
          inner,
        ),
    );
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

/** Where the certificate of a {@link ClientCertificateCredential} is: a path, or as the official class takes it. */
type Certificate =
  string | identity.ClientCertificatePEMCertificatePath | identity.ClientCertificatePEMCertificate;

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class ClientCertificateCredential extends identity.ClientCertificateCredential {
  readonly #held: Held | undefined;

  constructor(
    tenantId: string,
    clientId: string,
    certificate: Certificate,
    options: Holding<identity.ClientCertificateCredentialOptions> = {},
  ) {
    // The overloads of the official constructor cannot express a choice between them.
    super(tenantId, clientId, certificate as string, official(options));
    this.#held = hold(
      options,
      (inner) => new identity.ClientCertificateCredential(tenantId, clientId, certificate as string, inner),
    );
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}

type OnBehalfOfCommon = identity.MultiTenantTokenCredentialOptions & identity.CredentialPersistenceOptions;
type OnBehalfOfSecret = identity.OnBehalfOfCredentialSecretOptions & OnBehalfOfCommon;
type OnBehalfOfOptions =
  | OnBehalfOfSecret
  | (identity.OnBehalfOfCredentialCertificateOptions & OnBehalfOfCommon)
  | (identity.OnBehalfOfCredentialAssertionOptions & OnBehalfOfCommon);

/** The official credential with its tokens kept at hand. Takes the official arguments, and `resilience` in the options. */
export class OnBehalfOfCredential extends identity.OnBehalfOfCredential {
  readonly #held: Held | undefined;

  constructor(options: Holding<OnBehalfOfOptions>) {
    super(official(options) as OnBehalfOfSecret);
    this.#held = hold(options, (inner) => new identity.OnBehalfOfCredential(inner as OnBehalfOfSecret));
    if (this.#held !== undefined) rememberOnce(this, this.#held);
  }

  override getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#held === undefined ? super.getToken(scopes, options) : held(this.#held, scopes, options);
  }
}
