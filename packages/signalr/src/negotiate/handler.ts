import { badOption, failureOf } from "@holdfast/core";
import type { Claims, DroppedClaim } from "./claims.ts";
import { Negotiator, type NegotiatorOptions } from "./negotiation.ts";
import { SignalRServiceError } from "./service-error.ts";

type Value<T> = T | Promise<T>;

/** How clients are let into a hub. */
export interface NegotiateHandlerOptions extends NegotiatorOptions {
  /**
   * Who is asking: an id, or a function of the request. It may throw a `Response` to refuse, which is then the answer.
   * Default: nobody in particular.
   */
  readonly userId?: string | ((request: Request) => Value<string | undefined>);
  /**
   * What is known about the user: ASP.NET Core's `ClaimsProvider`. What it returns is what goes into the token, less what
   * `trimClaims` takes out; nothing goes in otherwise. It may throw a `Response` too.
   */
  readonly claims?: (request: Request) => Value<Claims | undefined>;
  /** Told of each token that was made or refused for its size: how long it is and what was left out of it. */
  readonly onNegotiated?: (report: NegotiateReport) => void;
}

/** What became of one negotiate request. */
export interface NegotiateReport {
  readonly status: number;
  readonly tokenChars: number;
  readonly dropped: readonly DroppedClaim[];
}

/** Answers negotiate requests; a web-standard function, to be put behind `POST …/negotiate`. */
export type NegotiateHandler = (request: Request) => Promise<Response>;

const json = (status: number, value: unknown): Response =>
  // A token must stay in no cache.
  Response.json(value, { status, headers: { "cache-control": "no-store" } });

/**
 * What `AddAzureSignalR` is for ASP.NET Core: answers a client's negotiate request with the service's address and a token.
 *
 * A token of more than 4 K is answered with 413, an address of more than 12 K with 414, both naming the largest claims. When
 * the service has to make the token (Microsoft Entra ID) and cannot, with 429 and its `Retry-After`, or 503.
 *
 * ```ts
 * const negotiate = createNegotiateHandler({
 *   connectionString: process.env.AZURE_SIGNALR,
 *   hub: "chat",
 *   userId: (request) => session(request).user,
 *   claims: (request) => session(request).claims,
 *   trimClaims: { allow: ["name", "role"] },
 * });
 * app.post("/chat/negotiate", toNodeHandler(negotiate));
 * ```
 *
 * @throws HoldfastError `misconfigured`, naming the option, the value and what is allowed
 */
export function createNegotiateHandler(options: NegotiateHandlerOptions): NegotiateHandler {
  const negotiator = new Negotiator(options);
  if (options.claims !== undefined && !negotiator.carriesClaims) {
    throw badOption("claims", options.claims, "left out without an AccessKey: such tokens carry no claims");
  }
  return async (request) => {
    // Microsoft's sample registers GET; the client has always sent POST.
    if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
    try {
      const userId = typeof options.userId === "function" ? await options.userId(request) : options.userId;
      const { outcome, tokenChars, dropped } = await negotiator.negotiate({
        userId,
        claims: await options.claims?.(request),
        query: new URL(request.url).searchParams,
      });
      const status = "refused" in outcome ? outcome.refused.status : 200;
      tell(options.onNegotiated, { status, tokenChars, dropped });
      if ("refused" in outcome) {
        const { status: _status, ...why } = outcome.refused;
        return json(status, why);
      }
      return json(200, { ...outcome.accepted, availableTransports: [] });
    } catch (error) {
      if (error instanceof Response) return error;
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  };
}

/** A listener that fails is no reason to refuse a client. */
function tell(listener: NegotiateHandlerOptions["onNegotiated"], report: NegotiateReport): void {
  try {
    listener?.(report);
  } catch {
    // It is the listener's own affair.
  }
}

/** What a client is told when the service failed: nothing of the reason, which is not its business. */
function refusalOf(error: unknown): Response | undefined {
  if (failureOf(error) === undefined) return undefined;
  const throttled = error instanceof SignalRServiceError && error.statusCode === 429;
  const after = throttled ? error.headers.get("retry-after") : null;
  return new Response(throttled ? "Too Many Requests" : "Azure SignalR Service cannot be reached.", {
    status: throttled ? 429 : 503,
    headers: { "cache-control": "no-store", ...(after === null ? {} : { "retry-after": after }) },
  });
}
