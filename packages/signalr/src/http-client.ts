import {
  AbortError,
  HttpClient,
  type HttpError,
  type HttpRequest,
  type HttpResponse,
} from "@microsoft/signalr";
import { tokenTooLong } from "#platform";
import { lifetimeMs, maxTokenLength } from "./token.ts";
import type { HttpSource } from "./http-source.ts";
import type { Wire } from "./wire.ts";

/** A connection whose every request meets one of these is dead, although an event stream may go on. */
const dead: readonly number[] = [401, 404, 410];

/**
 * The HTTP side of one official connection: passes requests on unchanged, and tells the wire what was refused, which token
 * is used and when an open connection turns out to be dead.
 */
export class WireHttpClient extends HttpClient {
  readonly #source: HttpSource;
  readonly #wire: Wire;

  constructor(source: HttpSource, wire: Wire) {
    super();
    this.#source = source;
    this.#wire = wire;
  }

  override async send(request: HttpRequest): Promise<HttpResponse> {
    const wire = this.#wire;
    // Giving up must be able to end a long poll's last word, the DELETE, too: nothing new begins on a wire that was cut.
    if (wire.isCut) throw new AbortError();
    const signal = (request.abortSignal ??= { aborted: false, onabort: null });
    const done = wire.add({ cut: () => signal.onabort?.() });
    try {
      const response = await this.#source.client.send(request);
      if (response.statusCode >= 400) this.#refused(request, response.statusCode, undefined);
      else if (isNegotiate(request)) this.#negotiated(request, response);
      return response;
    } catch (error) {
      this.#refused(request, (error as Partial<HttpError>).statusCode, error);
      throw error;
    } finally {
      done();
    }
  }

  override getCookieString(url: string): string {
    return this.#source.client.getCookieString(url);
  }

  #refused(request: HttpRequest, status: number | undefined, error: unknown): void {
    const wire = this.#wire;
    const headers = this.#source.takeHeaders(request.url);
    if (wire.isCut) return;
    const step = wire.isEstablished ? "established" : isNegotiate(request) ? "negotiate" : "connect";
    wire.refused({ step, status, headers, error });
    if (step !== "established" || status === undefined || !dead.includes(status)) return;
    // The official client goes on with its event stream, and every call would fail until somebody restarts it.
    const reason = error ?? new Error(`The server answered with status ${String(status)}.`);
    wire.explain(reason);
    // After the call that it was refused to, which rejects with this very error.
    wire.clock.after(0, () => {
      wire.onDead(reason);
    });
  }

  #negotiated(request: HttpRequest, { content }: HttpResponse): void {
    const wire = this.#wire;
    wire.isNegotiated = true;
    const issued = accessTokenIn(content);
    const token = issued ?? bearerOf(request);
    const lifeMs = token && lifetimeMs(token, wire.clock.wallNow());
    if (lifeMs) wire.token = { lifeMs, since: wire.clock.now() };
    if (issued !== undefined && issued.length > maxTokenLength) throw tokenTooLong(issued, maxTokenLength);
  }
}

function isNegotiate({ method, url = "" }: HttpRequest): boolean {
  return method === "POST" && /\/negotiate(?:\?|$)/.test(url);
}

function accessTokenIn(content: string | ArrayBuffer | undefined): string | undefined {
  try {
    const { accessToken } = JSON.parse(content as string) as { accessToken?: unknown };
    return typeof accessToken === "string" && accessToken !== "" ? accessToken : undefined;
  } catch {
    return undefined; // The official client says so, in its own words.
  }
}

function bearerOf({ headers }: HttpRequest): string | undefined {
  return /^Bearer (.+)/.exec(headers?.["Authorization"] ?? "")?.[1];
}
