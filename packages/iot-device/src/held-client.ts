import type { Holding } from "./holding.ts";
import { answer, officially, type Callback } from "./official.ts";
import { noRetry, type RetryPolicy } from "./retry-policy.ts";

/** An official client class, `Client` or `ModuleClient`. */
interface OfficialClass {
  readonly prototype: object;
}

/** Of a client that is not bypassed. Not a field: a bypassed client is an official object of our class. */
const holdings = new WeakMap<object, Holding>();

/** What a client of ours holds; undefined for one that is bypassed. */
export function holdingOf(client: object): Holding | undefined {
  return holdings.get(client);
}

/** Makes a client that the official factory has made one of ours. */
export function held<Client extends object>(
  made: object,
  Ours: { readonly prototype: Client },
  Official: { readonly prototype: { setRetryPolicy(policy: RetryPolicy): void } },
  holding: Holding | undefined,
): Client {
  const client = Object.setPrototypeOf(made, Ours.prototype) as Client;
  if (holding === undefined) return client;
  Official.prototype.setRetryPolicy.call(client, noRetry);
  holdings.set(client, holding);
  return client;
}

/** A method that answers by callback or by promise: ours, or the official one when the client is bypassed. */
export function callHeld<T>(
  client: object,
  Official: OfficialClass,
  method: string,
  args: readonly unknown[],
  callback: Callback<T> | undefined,
  ours: (holding: Holding) => Promise<T>,
): Promise<T> {
  const holding = holdings.get(client);
  if (holding === undefined) return officially(Official, method, client, [...args, callback]);
  return answer(ours(holding), callback);
}

/** The official `setRetryPolicy`: maps the policy to ours, and keeps the official client from repeating anything. */
export function adoptRetryPolicy(
  client: object,
  policy: RetryPolicy,
  official: (policy: RetryPolicy) => void,
): void {
  // Checks it as ever.
  official(policy);
  const holding = holdings.get(client);
  if (holding === undefined) return;
  holding.adopt(policy);
  official(noRetry);
}
