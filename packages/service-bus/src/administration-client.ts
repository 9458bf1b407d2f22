import * as official from "@azure/service-bus";
import { failureOf, run, type Fault } from "@holdfast/core";
import {
  administrationCalls,
  existenceChecks,
  listings,
  optionsOf,
  withSignal,
  type AdministrationCall,
  type AdministrationCallName,
} from "./administration-calls.ts";
import { administrationPolicies } from "./administration-policies.ts";
import { tokenSourceOf, withCredentialFaults } from "./credentials.ts";
import { withSignatureExpiry } from "./signature-expiry.ts";
import { resilienceFrom, type Resilience, type ResilienceOptions } from "./resilience.ts";

/** The official options, and ours. */
export interface ServiceBusAdministrationClientOptions
  extends official.ServiceBusAdministrationClientOptions {
  /**
   * As for `ServiceBusClient`; `policies` is read for `serviceBus.administration`, which the official `retryOptions` change
   * otherwise. `false`: the official behaviour.
   */
  readonly resilience?: ResilienceOptions | false;
}

type Credential = ConstructorParameters<typeof official.ServiceBusAdministrationClient>[1];
type Call = (...args: readonly unknown[]) => Promise<unknown>;
type Page = readonly unknown[] & { readonly continuationToken?: string };
type Pages = AsyncGenerator<Page, void, void>;
interface PageSettings {
  readonly continuationToken?: string;
  readonly maxPageSize?: number;
}
interface Listing {
  byPage(settings: PageSettings): Pages;
}

/** What only a client that is not bypassed has. */
interface Holding {
  readonly inner: Record<string, Call>;
  readonly resilience: Resilience;
}

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling: a management operation costs 10 credits.
const credits = 10;

/**
 * The official administration client whose requests are retried and paced with everybody else's on the namespace. A create
 * or delete whose answer was lost is recognised when it is repeated: what exists then is returned, what is gone then is
 * deleted. `queueExists()` and its like say `false` only when the service says that there is none; the official ones do
 * whenever anything fails. It goes wherever the official type is asked for.
 */
export class ServiceBusAdministrationClient extends official.ServiceBusAdministrationClient {
  readonly #holding: Holding | undefined;
  readonly #namespace: string;

  /** @throws HoldfastError `misconfigured` for a bad `resilience`; otherwise what the official constructor throws. */
  constructor(connectionString: string, options?: ServiceBusAdministrationClientOptions);
  constructor(
    fullyQualifiedNamespace: string,
    credential: Credential,
    options?: ServiceBusAdministrationClientOptions,
  );
  constructor(
    host: string,
    credentialOrOptions?: Credential | ServiceBusAdministrationClientOptions,
    optionsAfterCredential?: ServiceBusAdministrationClientOptions,
  ) {
    super(...([host, credentialOrOptions, optionsAfterCredential] as [string, never, never]));
    const hasCredential = isCredential(credentialOrOptions);
    const { resilience = {}, ...options } =
      (hasCredential
        ? optionsAfterCredential
        : (credentialOrOptions as ServiceBusAdministrationClientOptions | undefined)) ?? {};
    this.#namespace = host
      .replace(/^.*Endpoint=/is, "")
      .replace(/^\w+:\/\//, "")
      .replace(/[/;].*$/s, "")
      .toLowerCase();
    if (resilience === false || process.env["HOLDFAST_BYPASS"] === "1") return;
    const known = resilienceFrom(resilience, undefined, this.#namespace);
    const defaults = administrationPolicies(options.retryOptions);
    const access = { host, credential: hasCredential ? (credentialOrOptions as Credential) : undefined };
    const settings: Resilience = {
      ...known,
      policy: (operation) => resilience.policies?.lookup(operation) ?? defaults(operation),
      classify: withSignatureExpiry(withCredentialFaults(known.classify), () => access),
    };
    const fresh = { ...options, retryOptions: { maxRetries: 0 } };
    const tokens = hasCredential ? tokenSourceOf(credentialOrOptions as Credential, settings) : undefined;
    const credential = tokens ?? credentialOrOptions;
    const inner = new official.ServiceBusAdministrationClient(
      ...((hasCredential ? [host, credential, fresh] : [host, fresh]) as [string, never, never]),
    );
    this.#holding = { inner: inner as unknown as Record<string, Call>, resilience: settings };
  }

  static {
    const define = (
      name: string,
      method: (this: ServiceBusAdministrationClient, ...args: never[]) => unknown,
    ): void => {
      const theirs = (this.prototype as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
      Object.defineProperty(this.prototype, name, {
        configurable: true,
        writable: true,
        value(this: ServiceBusAdministrationClient, ...args: never[]): unknown {
          return this.#holding === undefined ? theirs?.apply(this, args) : method.apply(this, args);
        },
      });
    };
    for (const name of Object.keys(administrationCalls) as AdministrationCallName[]) {
      define(name, function (...args) {
        return this.#call(name, args);
      });
    }
    for (const [name, { readWith, names }] of Object.entries(existenceChecks)) {
      define(name, function (...args) {
        return this.#exists(readWith, args, names);
      });
    }
    for (const [name, names] of Object.entries(listings)) {
      define(name, function (...args) {
        return this.#list(name, args, names);
      });
    }
  }

  #call(name: AdministrationCallName, args: readonly unknown[]): Promise<unknown> {
    const call: AdministrationCall = administrationCalls[name];
    const { optionsAt, readWith, deletes = false } = call;
    let mayHaveHappened = false;
    return this.#run(name, optionsOf(args, optionsAt).abortSignal, async (inner, signal) => {
      const isRepetition = mayHaveHappened;
      // An attempt that its time ended has no answer either, though its error is but an abort.
      signal.addEventListener("abort", () => (mayHaveHappened = true), { once: true });
      try {
        return await (inner[name] as Call).apply(inner, [...withSignal(args, optionsAt, signal)]);
      } catch (error) {
        const fault = this.#classify(error);
        mayHaveHappened ||= fault?.sent === "maybe";
        if (!isRepetition) throw error;
        if (deletes && fault?.kind === "not-found") return {};
        if (readWith === undefined || fault?.kind !== "conflict") throw error;
        const names = args.slice(0, administrationCalls[readWith].optionsAt as number);
        return await (inner[readWith] as Call).apply(inner, [...withSignal(names, names.length, signal)]);
      }
    });
  }

  async #exists(readWith: AdministrationCallName, args: readonly unknown[], names: number): Promise<boolean> {
    try {
      await this.#call(readWith, args.slice(0, names + 1));
      return true;
    } catch (error) {
      if (failureOf(error)?.kind === "not-found") return false;
      throw error;
    }
  }

  #list(name: string, args: readonly unknown[], names: number): unknown {
    const { abortSignal } = optionsOf(args, names);
    const page = async (settings: PageSettings): Promise<Page | undefined> => {
      const found = await this.#run(name, abortSignal, async (inner, signal) => {
        const list = inner[name] as unknown as (...all: unknown[]) => Listing;
        const listing = list.apply(inner, [...withSignal(args.slice(0, names + 1), names, signal)]);
        const next = await listing.byPage(settings).next();
        return next.done === true ? undefined : next.value;
      });
      return found as Page | undefined;
    };
    // A page that fails is asked for again from its own beginning; the official iterator would be over.
    async function* pages({ continuationToken, maxPageSize }: PageSettings = {}): Pages {
      let token = continuationToken;
      do {
        const current = await page({
          ...(token !== undefined && { continuationToken: token }),
          ...(maxPageSize !== undefined && { maxPageSize }),
        });
        if (current === undefined) return;
        yield current;
        token = current.continuationToken;
      } while (token !== undefined && token !== "");
    }
    async function* all(): AsyncGenerator<unknown, void, void> {
      for await (const one of pages()) yield* one;
    }
    return Object.assign(all(), { byPage: pages });
  }

  #run(
    name: string,
    signal: ReturnType<typeof optionsOf>["abortSignal"],
    work: (inner: Record<string, Call>, signal: AbortSignal) => Promise<unknown>,
  ): Promise<unknown> {
    const { inner, resilience } = this.#holding as Holding;
    const { policy, classify, clock, random, onEvent, gate, budget, breaker } = resilience;
    return run((attempt) => work(inner, attempt.signal), {
      operation: "serviceBus.administration",
      target: `${this.#namespace} ${name}`,
      policy: policy("serviceBus.administration"),
      classify,
      clock,
      random,
      signal,
      onEvent,
      gate,
      lane: "administration",
      cost: credits,
      budget,
      breaker,
    });
  }

  #classify(error: unknown): Fault | undefined {
    const { classify, clock } = (this.#holding as Holding).resilience;
    return classify(error, clock.wallNow());
  }
}

/** As the official client tells credentials from options. */
function isCredential(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "getToken" in value || ("key" in value && "name" in value);
}
