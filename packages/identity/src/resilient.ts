import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";
import { resilienceFrom, type ResilienceOptions } from "./resilience.ts";
import { tokensOver } from "./tokens.ts";

/** A credential whose tokens are kept at hand. */
export interface ResilientCredential extends TokenCredential {
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null>;
  /** The service refused this token: it is handed out no more. Without one, none is. */
  forget(token?: string): void;
  /** Ends requests under way. */
  close(): void;
}

/**
 * Makes any credential resilient: one request for everybody, repeated under the policy `identity.getToken`, renewed early,
 * the old token served while the renewal fails. For credentials of your own, and official ones that are made elsewhere;
 * for the others take the drop-in classes, which also get around the minute of silence after a failure.
 *
 * ```ts
 * const client = new ServiceBusClient(namespace, resilient(new MyCredential()));
 * ```
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function resilient(
  credential: TokenCredential,
  options?: ResilienceOptions | false,
): ResilientCredential {
  const resilience = resilienceFrom(options);
  if (resilience === undefined) {
    return {
      getToken: (scopes, given) => credential.getToken(scopes, given),
      forget: () => undefined,
      close: () => undefined,
    };
  }
  const tokens = tokensOver(credential, resilience);
  return {
    getToken: (scopes, given) => tokens.getToken(scopes, given),
    forget: (token) => {
      tokens.forget(token);
    },
    close: () => {
      tokens.close();
    },
  };
}
