import type { NegotiateHandler } from "./handler.ts";

/** The part of a request of `node:http` (and of Express) that is read. */
export interface NodeRequestLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express: the address before routers took their part off. */
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The part of a response of `node:http` (and of Express) that is written. */
export interface NodeResponseLike {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** The part of a Fastify request that is read. */
export interface FastifyRequestLike {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The part of a Fastify reply that is written. */
export interface FastifyReplyLike {
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: string): unknown;
}

/** The part of a request of Azure Functions (programming model v4) that is read. */
export interface FunctionsRequestLike {
  readonly method: string;
  readonly url: string;
  readonly headers: Iterable<[string, string]>;
}

/** What a function of Azure Functions (programming model v4) returns. */
export interface FunctionsResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * For `node:http` and Express.
 *
 * ```ts
 * createServer(toNodeHandler(negotiate)).listen(8080);
 * app.post("/chat/negotiate", toNodeHandler(negotiate));
 * ```
 */
export function toNodeHandler(
  handler: NegotiateHandler,
): (request: NodeRequestLike, response: NodeResponseLike, next?: (error: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    try {
      const answer = await handler(
        requestOf(request.method ?? "GET", request.originalUrl ?? request.url ?? "/", request.headers),
      );
      const body = await answer.text();
      response.statusCode = answer.status;
      answer.headers.forEach((value, name) => {
        response.setHeader(name, value);
      });
      response.end(body);
    } catch (error) {
      if (next !== undefined) {
        next(error);
        return;
      }
      response.statusCode = 500;
      response.end("");
    }
  };
}

/** For Fastify: `fastify.post("/chat/negotiate", toFastifyHandler(negotiate))`. */
export function toFastifyHandler(
  handler: NegotiateHandler,
): (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown> {
  return async (request, reply) => {
    const answer = await handler(requestOf(request.method, request.url, request.headers));
    const body = await answer.text();
    reply.code(answer.status);
    answer.headers.forEach((value, name) => {
      reply.header(name, value);
    });
    return reply.send(body);
  };
}

/** For Azure Functions: `app.http("negotiate", { methods: ["POST"], handler: toFunctionsHandler(negotiate) })`. */
export function toFunctionsHandler(
  handler: NegotiateHandler,
): (request: FunctionsRequestLike) => Promise<FunctionsResponse> {
  return async (request) => {
    const { method, url, headers } = request;
    const answer = await handler(requestOf(method, url, Object.fromEntries(headers)));
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers.entries()),
      body: await answer.text(),
    };
  };
}

/** A web-standard request without its body, which a negotiate request does not have. */
function requestOf(
  method: string,
  url: string,
  given: Readonly<Record<string, string | string[] | undefined>>,
): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    // HTTP/2 has pseudo-headers, which are none.
    if (name.startsWith(":")) continue;
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  const host = headers.get("host") ?? "localhost";
  return new Request(new URL(url, `http://${host}`), { method, headers });
}
