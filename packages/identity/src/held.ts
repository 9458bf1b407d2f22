import type { AccessToken, GetTokenOptions, TokenCredential, TokenCredentialOptions } from "@azure/identity";
import { resilienceFrom, type Holding } from "./resilience.ts";
import { heldBy, type Held } from "./tokens.ts";

/** What the constructors of official credentials take besides what each needs. */
type Network = Pick<TokenCredentialOptions, "retryOptions" | "additionalPolicies">;

/** The official options alone, in an object of their own: the official constructors write into what they are given. */
export function official<O extends object>(options: Holding<O>): O {
  const { resilience: _ours, ...rest } = options;
  return rest as unknown as O;
}

/**
 * What a drop-in credential works with; undefined when bypassed. The official client's own repetition is switched off in
 * the instances that `make` makes: there is one loop, ours.
 */
export function hold<O extends object>(
  options: Holding<O>,
  make: (inner: O) => TokenCredential,
): Held | undefined {
  const { retryOptions, additionalPolicies = [] } = options as Network;
  const resilience = resilienceFrom(options.resilience, retryOptions);
  if (resilience === undefined) return undefined;
  return heldBy(
    (exchange) =>
      make({
        ...official(options),
        retryOptions: { ...retryOptions, maxRetries: 0 },
        additionalPolicies: [...additionalPolicies, exchange.policy],
      }),
    resilience,
  );
}

/** The held token in the official signature, which knows no null. */
export function held(
  { tokens }: Held,
  scopes: string | string[],
  options: GetTokenOptions | undefined,
): Promise<AccessToken> {
  return tokens.getToken(scopes, options) as Promise<AccessToken>;
}

const once = Symbol.for("holdfast/1/once");

/** Lets a chain ask one of our credentials for a single attempt: loops inside of loops multiply. */
export function rememberOnce(credential: TokenCredential, { once: attempt }: Held): void {
  Object.defineProperty(credential, once, { value: attempt });
}

/** A source of a chain, without a loop of its own. */
export function withoutLoop(source: TokenCredential): TokenCredential {
  const attempt = (source as { readonly [once]?: Held["once"] })[once];
  return attempt === undefined ? source : { getToken: attempt };
}
