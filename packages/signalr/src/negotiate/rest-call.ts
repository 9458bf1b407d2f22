import {
  faultTable,
  run,
  systemFaults,
  TokenSource,
  type AbortSignalLike,
  type Classify,
} from "@holdfast/core";
import { signalrFaults } from "../faults.ts";
import { KeySigner } from "./json-web-token.ts";
import { restFaults } from "./rest-faults.ts";
import { SignalRServiceError } from "./service-error.ts";
import type { ServiceSettings } from "./service-options.ts";

const SCOPE = "https://signalr.azure.com/.default";
const API_VERSION = "2022-11-01";
/** How long the token of one request is good. */
const TOKEN_LIFETIME_S = 300;

/** One request of the data plane. */
export interface RestRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Encoded, without query: `/api/hubs/chat/:send`. */
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly body?: unknown;
  readonly signal?: AbortSignalLike | undefined;
  /** Statuses that are an answer and no failure, beside 2xx. */
  readonly expected?: readonly number[];
}

/** Calls the REST API of one service, repeated under its policy. */
export class RestCalls {
  readonly settings: ServiceSettings;
  readonly #classify: Classify;
  readonly #signer: KeySigner | undefined;
  readonly #tokens: TokenSource | undefined;

  constructor(settings: ServiceSettings) {
    this.settings = settings;
    this.#classify = faultTable("signalr", [
      ...settings.faults,
      ...restFaults,
      ...signalrFaults,
      ...systemFaults,
    ]);
    this.#signer = settings.accessKey === undefined ? undefined : new KeySigner(settings.accessKey);
    const { credential, policy, clock, random, onEvent } = settings;
    if (credential !== undefined) {
      this.#tokens = new TokenSource({
        getToken: (scopes, options) => credential.getToken(scopes, options),
        policy: () => policy,
        classify: this.#classify,
        ...{ clock, random, onEvent },
      });
    }
  }

  /** @throws SignalRServiceError for what the service refuses, or the platform's own error when it cannot be reached */
  send(operation: string, request: RestRequest): Promise<Response> {
    const { policy, clock, random, onEvent, endpoint } = this.settings;
    return run((attempt) => this.#attempt(request, attempt.signal), {
      ...{ operation, target: endpoint, policy, clock, random, onEvent },
      classify: this.#classify,
      signal: request.signal,
      // Getting a token has a loop of its own: inside an attempt the two would multiply.
      ready: (attempt) => this.#tokens?.getToken(SCOPE, { abortSignal: attempt.signal }).then(nothing),
      ...(this.#tokens === undefined ? {} : { act: () => this.#tokens?.forget() }),
    });
  }

  async #attempt(request: RestRequest, signal: AbortSignal): Promise<Response> {
    const audience = this.settings.endpoint + request.path;
    const query = new URLSearchParams([
      ["api-version", API_VERSION],
      ...(request.query ?? []).map(([name, value]) => [name, value]),
    ]);
    const response = await fetch(`${audience}?${query.toString()}`, {
      method: request.method,
      headers: {
        authorization: `Bearer ${await this.#bearer(audience, signal)}`,
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal,
    });
    if (response.ok || request.expected?.includes(response.status) === true) return response;
    const text = (await response.text()).slice(0, 1_000);
    throw new SignalRServiceError(
      `${request.method} ${request.path}: ${text || response.statusText || "no reason given"} (status ${String(response.status)})`,
      response.status,
      response.headers,
    );
  }

  /** By the access key for this address alone, or by the credential for the service. */
  async #bearer(audience: string, signal: AbortSignal): Promise<string> {
    if (this.#signer !== undefined) {
      const now = Math.floor(this.settings.clock.wallNow() / 1_000);
      // A service whose clock is a little behind must not find the token to be of the future.
      return this.#signer.sign({ aud: audience, nbf: now - 60, iat: now, exp: now + TOKEN_LIFETIME_S });
    }
    const token = await this.#tokens?.getToken(SCOPE, { abortSignal: signal });
    if (token == null) throw new TypeError("The credential gave no token.");
    return token.token;
  }
}

const nothing = (): void => undefined;
