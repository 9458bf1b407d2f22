import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import { hasTarget } from "../../sockets/request-target.ts";
import type { Broker } from "../broker.ts";
import type { ServiceBusFaults } from "../faults.ts";
import { verifyJwt, verifySasToken, type TokenVerdict } from "../sas-token.ts";
import { texts, trackingSuffix } from "../texts.ts";
import { ticksOf } from "../ticks.ts";
import { addressOf } from "./addresses.ts";
import { AdminError, adminErrors } from "./admin-error.ts";
import { claimOf, messageAddressOf, MessageRequests } from "../rest/message-requests.ts";
import { AdminRequests, type AdminAnswer, type AdminRequest } from "./requests.ts";
import { documentOf } from "./xml.ts";

const ENTRY = "application/atom+xml;type=entry;charset=utf-8";
const FEED = "application/atom+xml;type=feed;charset=utf-8";

interface Answer extends AdminAnswer {
  readonly retryAfterSeconds?: number | undefined;
}

function verdictOn(broker: Broker, authorization: string, path: string): TokenVerdict {
  const now = broker.clock.wallNow();
  const bearer = /^Bearer\s+(.*)$/i.exec(authorization)?.[1];
  return bearer === undefined
    ? verifySasToken(authorization, path, broker.settings.keys, now)
    : verifyJwt(bearer, now);
}

/** The key's name. @throws AdminError 401 */
function authorize(
  broker: Broker,
  request: AdminRequest,
  authorization: string | undefined,
): string | undefined {
  const pathname = decodeURIComponent(request.url.pathname);
  // The list of public services is public.
  if (addressOf(pathname).kind === "root") return undefined;
  if (authorization === undefined)
    throw adminErrors.unauthorized("MissingToken: The authorization header was not found.");
  const verdict = verdictOn(broker, authorization, pathname);
  if (!verdict.valid) {
    // In the service's words, a token that nobody can have signed claims nothing.
    const isUnsigned = verdict.text === texts.invalidSignature;
    throw adminErrors.unauthorized(isUnsigned ? "claim is empty." : verdict.text);
  }
  const messages = messageAddressOf(pathname);
  const needed = messages === undefined || request.method === "GET" ? "Manage" : claimOf(messages);
  if (!verdict.claims.includes("Manage") && !verdict.claims.includes(needed)) {
    throw needed === "Manage"
      ? adminErrors.claimMissing()
      : adminErrors.unauthorized(texts.claimMissing(needed, broker.resource(pathname.slice(1))));
  }
  return verdict.keyName;
}

function refusalDocument(broker: Broker, error: AdminError, { url }: AdminRequest): string {
  const path = decodeURIComponent(url.pathname).replace(/^\/+/, "");
  const system = error.systemTracker ?? `${url.host}:${path}`;
  const Detail = `${error.message} ${trackingSuffix({ system, at: broker.clock.wallNow() })}`;
  return documentOf({ Error: { Code: String(error.status), Detail } });
}

async function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function urlOf(incoming: IncomingMessage): URL {
  const scheme = incoming.socket instanceof TLSSocket ? "https" : "http";
  return new URL(incoming.url ?? "/", `${scheme}://${incoming.headers.host ?? "localhost"}`);
}

/** Carries the fault out; true when the request is answered as if there were none, now or later. */
function suffer(
  fault: Exclude<ServiceBusFaults["admin"], { kind: "refuse-admin" | "delay" }>,
  incoming: IncomingMessage,
): void {
  if (fault.kind !== "drop-connection") return;
  if (fault.how === "reset" && !(incoming.socket instanceof TLSSocket)) incoming.socket.resetAndDestroy();
  else incoming.socket.destroy();
}

/** The web server of the administration. It does not listen: connections are handed to it. */
export function adminServer(broker: Broker): Server {
  const requests = new AdminRequests(broker);
  const messages = new MessageRequests(broker);

  const perform = async (request: AdminRequest, authorization: string | undefined): Promise<Answer> => {
    try {
      authorize(broker, request, authorization);
      const address = messageAddressOf(decodeURIComponent(request.url.pathname));
      if (address !== undefined && request.method !== "GET") return await messages.answer(request, address);
      if (!broker.throttle.admitManagementCall()) throw adminErrors.throttled(2);
      return requests.answer(request);
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      const { status, retryAfterSeconds } = error;
      return { status, body: refusalDocument(broker, error, request), retryAfterSeconds };
    }
  };

  const write = (
    response: ServerResponse,
    { status, body, headers = {}, updatedAt, retryAfterSeconds }: Answer,
  ): void => {
    const isFeed = typeof body === "string" && body.startsWith("<feed");
    const type = status >= 300 ? "application/xml; charset=utf-8" : isFeed ? FEED : ENTRY;
    response.writeHead(status, {
      ...(body === "" ? { "Content-Length": "0" } : typeof body === "string" ? { "Content-Type": type } : {}),
      ...headers,
      ...(updatedAt === undefined ? {} : { ETag: String(ticksOf(updatedAt)) }),
      Server: "Microsoft-HTTPAPI/2.0",
      "Strict-Transport-Security": "max-age=31536000",
      ...(retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) }),
    });
    response.end(body);
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
    });
    const bytes = await bytesOf(incoming);
    const request: AdminRequest = {
      method: incoming.method ?? "GET",
      url: urlOf(incoming),
      isUpdate: incoming.headers["if-match"] !== undefined,
      body: bytes.toString("utf8"),
      bytes,
      headers: incoming.headers,
      rawHeaders: incoming.rawHeaders,
      gone: gone.signal,
    };
    const { authorization } = incoming.headers;
    const entity = broker.entityName(decodeURIComponent(request.url.pathname));
    const journal = (answer: Answer | undefined): void => {
      broker.ledgers.admin.add({
        at: broker.clock.now(),
        method: request.method,
        path: `${request.url.pathname}${request.url.search}`,
        entity,
        isUpdate: request.isUpdate,
        status: answer?.status,
      });
    };
    const answer = (with_: Answer): void => {
      journal(with_);
      write(response, with_);
    };
    const fault = broker.fault("admin", entity);
    if (fault === undefined) {
      answer(await perform(request, authorization));
    } else if (fault.kind === "refuse-admin") {
      const { status, detail, retryAfterSeconds } = fault;
      const error = new AdminError(status, detail, { retryAfterSeconds });
      answer({
        status: fault.status,
        body: refusalDocument(broker, error, request),
        retryAfterSeconds: fault.retryAfterSeconds,
      });
    } else if (fault.kind === "delay") {
      const late = await perform(request, authorization);
      broker.timers.after(fault.ms, () => {
        answer(late);
      });
    } else {
      if (fault.stored) await perform(request, authorization);
      journal(undefined);
      suffer(fault, incoming);
    }
  };

  return createServer((incoming, response) => {
    if (!hasTarget(incoming)) return;
    handle(incoming, response).catch((error: unknown) => {
      // The client has gone before its request was whole; anything else is a fault of the simulator, and says so.
      if (!response.headersSent) response.writeHead(500).end(String(error));
    });
  });
}

/** Whether these bytes begin a request of HTTP, and not a protocol header of AMQP (AMQP 2.2). */
export function isHttp(firstBytes: Buffer): boolean {
  return /^(?:GET|PUT|POST|DELETE|HEAD|OPTIONS|PATCH|MERGE) /.test(firstBytes.toString("latin1", 0, 8));
}
