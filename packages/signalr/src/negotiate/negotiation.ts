import { badOption } from "@holdfast/core";
import { checkTrimClaims, trim, type TrimClaims } from "./claim-trimming.ts";
import { sizesOf, type Claims, type ClaimSize, type DroppedClaim } from "./claims.ts";
import { KeySigner } from "./json-web-token.ts";
import { RestCalls } from "./rest-call.ts";
import { hubOf, serviceSettings, type ServiceOptions } from "./service-options.ts";

/** The guide, "Access token too long": for HTTP/2 a single header has at most 4 K. */
const MAX_TOKEN_CHARS = 4_096;
/** The guide: over HTTP/1.1 the URI has at most 12 K; WebSockets and event streams carry the token in it. */
const MAX_URL_BYTES = 12_288;
/** `&id=` and a connection token, `&access_token=`. */
const CONNECT_QUERY_BYTES = 128;
const MAX_LIFETIME_MS = 86_400_000;

/** Which service, and what a client's token is to look like. */
export interface NegotiatorOptions extends ServiceOptions {
  /** The hub that clients connect to; the service knows it in lower case. */
  readonly hub: string;
  /** How long a token is good, in milliseconds. Default 3 600 000; up to 86 400 000. */
  readonly tokenLifetimeMs?: number;
  /** Which of the claims go into the token. Default: all that are given. */
  readonly trimClaims?: TrimClaims;
}

/** Who is to be let in. */
export interface NegotiateRequest {
  readonly userId?: string | undefined;
  /** What is known about the user. Needs an access key: tokens by Microsoft Entra ID carry the user's id only. */
  readonly claims?: Claims | undefined;
  /** What the client asked with; `hub` and whatever belongs to negotiating or carries tokens is taken out. */
  readonly query?: URLSearchParams | undefined;
}

/** What the client is told. */
export interface NegotiateResponse {
  readonly url: string;
  readonly accessToken: string;
}

/** What the service would refuse for its size. */
export interface TooLarge {
  readonly status: 413 | 414;
  readonly error: string;
  readonly size: number;
  readonly limit: number;
  /** Largest first; names and sizes, no values. */
  readonly largestClaims: readonly ClaimSize[];
}

/** A token or a refusal, and what became of the claims. */
export interface Negotiation {
  readonly outcome: { readonly accepted: NegotiateResponse } | { readonly refused: TooLarge };
  readonly tokenChars: number;
  readonly dropped: readonly DroppedClaim[];
}

// A second `hub` makes the service answer with 400; the others are the protocol's own, or secrets that do not belong here.
const NOT_PASSED_ON = new Set([
  "hub",
  "negotiateversion",
  "usestatefulreconnect",
  "access_token",
  "id",
  "code",
]);

/** Lets clients into one hub: makes their tokens, and measures them before the service does. */
export class Negotiator {
  readonly #options: NegotiatorOptions;
  readonly #hub: string;
  readonly #lifetimeMs: number;
  readonly #calls: RestCalls;
  readonly #signer: KeySigner | undefined;

  /** @throws HoldfastError `misconfigured`, naming the option, the value and what is allowed */
  constructor(options: NegotiatorOptions) {
    const settings = serviceSettings(options);
    this.#options = options;
    this.#hub = hubOf(options.hub);
    this.#lifetimeMs = options.tokenLifetimeMs ?? 3_600_000;
    if (!(this.#lifetimeMs > 0 && this.#lifetimeMs <= MAX_LIFETIME_MS)) {
      throw badOption("tokenLifetimeMs", options.tokenLifetimeMs, "above 0 and up to 86400000");
    }
    if (options.trimClaims !== undefined) checkTrimClaims(options.trimClaims);
    if (settings.accessKey === undefined && options.trimClaims !== undefined) {
      throw badOption(
        "trimClaims",
        options.trimClaims,
        "left out without an AccessKey: such tokens carry no claims",
      );
    }
    this.#calls = new RestCalls(settings);
    this.#signer = settings.accessKey === undefined ? undefined : new KeySigner(settings.accessKey);
  }

  /** Whether tokens can carry claims: those that an access key signs. */
  get carriesClaims(): boolean {
    return this.#signer !== undefined;
  }

  /**
   * @throws TypeError when there are claims and no access key
   * @throws SignalRServiceError when the token is the service's to make and it does not
   */
  async negotiate(request: NegotiateRequest = {}): Promise<Negotiation> {
    const { endpoint, clientEndpoint } = this.#calls.settings;
    const path = `/client/?hub=${encodeURIComponent(this.#hub)}`;
    const { token, claims, dropped } = await this.#token(`${endpoint}${path}`, request);
    const url = `${clientEndpoint}${path}${passedOn(request.query)}`;
    return { outcome: outcomeOf(url, token, claims), tokenChars: token.length, dropped };
  }

  async #token(
    audience: string,
    { userId, claims = {} }: NegotiateRequest,
  ): Promise<{ token: string; claims: Claims; dropped: readonly DroppedClaim[] }> {
    if (this.#signer === undefined) {
      if (Object.keys(claims).length > 0) {
        throw new TypeError(
          "negotiate: claims need an AccessKey; a token by Microsoft Entra ID carries none",
        );
      }
      return { token: await this.#generated(userId), claims, dropped: [] };
    }
    const now = Math.floor(this.#calls.settings.clock.wallNow() / 1_000);
    const own = {
      ...(userId === undefined ? {} : { nameid: userId }),
      nbf: now,
      iat: now,
      exp: now + Math.ceil(this.#lifetimeMs / 1_000),
      aud: audience,
    };
    const trimmed = trim(claims, this.#options.trimClaims, own, MAX_TOKEN_CHARS);
    const token = await this.#signer.sign({ ...trimmed.claims, ...own });
    return { token, ...trimmed };
  }

  /** Microsoft Entra ID signs nothing for clients: the service does, for who has the role. */
  async #generated(userId: string | undefined): Promise<string> {
    const response = await this.#calls.send("signalr.generateToken", {
      method: "POST",
      path: `/api/hubs/${encodeURIComponent(this.#hub)}/:generateToken`,
      query: [
        ["minutesToExpire", String(Math.max(1, Math.round(this.#lifetimeMs / 60_000)))],
        ...(userId === undefined ? [] : [["userId", userId] as const]),
      ],
    });
    const { token } = (await response.json()) as { readonly token: string };
    return token;
  }
}

function passedOn(query: URLSearchParams | undefined): string {
  const kept = [...(query ?? [])].filter(([name]) => !NOT_PASSED_ON.has(name.toLowerCase()));
  return kept.length === 0 ? "" : `&${new URLSearchParams(kept).toString()}`;
}

function outcomeOf(url: string, accessToken: string, claims: Claims): Negotiation["outcome"] {
  const urlBytes = url.length + CONNECT_QUERY_BYTES + accessToken.length;
  const largestClaims = sizesOf(claims).slice(0, 5);
  if (accessToken.length > MAX_TOKEN_CHARS) {
    const error = "AccessToken must not be longer than 4K.";
    return {
      refused: { status: 413, error, size: accessToken.length, limit: MAX_TOKEN_CHARS, largestClaims },
    };
  }
  if (urlBytes > MAX_URL_BYTES) {
    const error = "URI Too Long";
    return { refused: { status: 414, error, size: urlBytes, limit: MAX_URL_BYTES, largestClaims } };
  }
  return { accepted: { url, accessToken } };
}
