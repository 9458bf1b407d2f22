import {
  badOption,
  policy,
  presets,
  systemClock,
  systemRandom,
  type AccessTokenLike,
  type Clock,
  type EventListener,
  type FaultRow,
  type Policy,
  type PolicyOptions,
  type Random,
  type TokenRequestLike,
} from "@holdfast/core";
import { isBypassed } from "../bypass.ts";
import {
  httpAddress,
  parseConnectionString,
  withoutSlash,
  type ServiceEndpoint,
} from "./connection-string.ts";

/** The shape of a credential of `@azure/identity`. */
export interface CredentialLike {
  getToken(scopes: string | string[], options?: TokenRequestLike): Promise<AccessTokenLike | null>;
}

/** How requests to the service are repeated. */
export interface ServiceResilience {
  /** Changes of the default: full jitter 100 ms to 20 s, 10 attempts, 10 s each, 60 s in all. */
  readonly policy?: PolicyOptions;
  readonly onEvent?: EventListener;
  /** Rows of your own, before ours. */
  readonly faults?: readonly FaultRow[];
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Which service, and how to be let in: a connection string, or an endpoint and a credential. */
export interface ServiceOptions {
  /** `Endpoint=…;AccessKey=…;Version=1.0;`, in any order. Without an `AccessKey` a credential is needed. */
  readonly connectionString?: string;
  /** `https://contoso.service.signalr.net`. */
  readonly endpoint?: string;
  /** From `@azure/identity`, or `@holdfast/identity`. */
  readonly credential?: CredentialLike;
  /** `false`, or the environment variable `HOLDFAST_BYPASS=1`: one attempt. */
  readonly resilience?: ServiceResilience | false;
}

/** {@link ServiceOptions}, checked and complete. */
export interface ServiceSettings extends ServiceEndpoint {
  readonly credential: CredentialLike | undefined;
  readonly policy: Policy;
  readonly onEvent: EventListener | undefined;
  readonly faults: readonly FaultRow[];
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws HoldfastError `misconfigured`, naming the option, the value and what is allowed */
export function serviceSettings(options: ServiceOptions): ServiceSettings {
  const address = addressOf(options);
  if (address.accessKey === undefined && options.credential === undefined) {
    throw badOption("credential", undefined, "given when there is no AccessKey");
  }
  const resilience = options.resilience === false ? {} : (options.resilience ?? {});
  return {
    ...address,
    // An access key wins, as it costs no request.
    credential: address.accessKey === undefined ? options.credential : undefined,
    policy: options.resilience === false || isBypassed() ? presets.none : policy(resilience.policy ?? {}),
    onEvent: resilience.onEvent,
    faults: resilience.faults ?? [],
    clock: resilience.clock ?? systemClock,
    random: resilience.random ?? systemRandom,
  };
}

function addressOf({ connectionString, endpoint }: ServiceOptions): ServiceEndpoint {
  if (connectionString !== undefined) {
    if (endpoint !== undefined) throw badOption("endpoint", endpoint, "left out with a connectionString");
    return parseConnectionString(connectionString);
  }
  if (endpoint === undefined)
    throw badOption("connectionString", undefined, "given, or endpoint and credential");
  const address = withoutSlash(httpAddress("endpoint", endpoint));
  return { endpoint: address, clientEndpoint: address, accessKey: undefined };
}

/** A hub's name as the service has it: lower case. @throws HoldfastError `misconfigured` */
export function hubOf(value: unknown): string {
  // The emulator's rule.
  if (typeof value === "string" && /^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$/.test(value))
    return value.toLowerCase();
  throw badOption("hub", value, "a letter and up to 127 letters, digits or _`,.[]");
}
