import { audienceMatches, bearerClaims, isEntraToken } from "./bearer.ts";
import type { Exchange } from "./http/exchange.ts";
import { atStep } from "./http/request-step.ts";
import type { ClientProxy } from "./hub-clients.ts";
import type { Hub } from "./hub.ts";
import { hubName } from "./options.ts";
import { handleMembership } from "./rest-membership.ts";
import type { AzureService, HubDirectory } from "./service.ts";
import type { Simulation } from "./simulation.ts";

const MAX_BODY_BYTES = 1_048_576;
const MAX_GROUP_CHARS = 1_024;

/** A call of the REST API: what it is about, and where it is answered. */
export interface RestRequest {
  readonly exchange: Exchange;
  readonly hub: Hub;
  readonly service: AzureService;
  readonly body: Buffer;
  /** The path's parts behind the hub, decoded. */
  readonly parts: readonly string[];
}

/** The REST API of the data plane: both `/api/hubs/{hub}/…` and the older `/api/v1/hubs/{hub}/…`. */
export function handleRest(
  simulation: Simulation,
  service: AzureService,
  hubs: HubDirectory,
  exchange: Exchange,
): void {
  exchange.entry.step = "rest";
  if (/^\/api(\/v1)?\/health$/.test(exchange.path)) {
    atStep(simulation, exchange, "rest", "", () => {
      exchange.answer(200);
    });
    return;
  }
  const match = /^\/api(?:\/v1)?\/hubs\/([^/]+?)(\/.*|:.*)?$/.exec(exchange.path);
  const name = decodeURIComponent(match?.[1] ?? "");
  void exchange.body().then((body) => {
    if (body === undefined) return;
    atStep(simulation, exchange, "rest", name, () => {
      if (!authorized(simulation, exchange)) return;
      const hub = match === null ? undefined : hubs(valid(name));
      if (hub === undefined) exchange.answer(404);
      else if (body.length > MAX_BODY_BYTES) exchange.answer(413);
      else {
        const rest = (match?.[2] ?? "").split("/").filter((part) => part !== "");
        act({ exchange, hub, service, body, parts: rest.map(decodeURIComponent) });
      }
    });
  });
}

const valid = (name: string): string => {
  try {
    return hubName(name);
  } catch {
    return "";
  }
};

function authorized(simulation: Simulation, exchange: Exchange): boolean {
  const now = simulation.clock.wallNow();
  if (exchange.token !== undefined && isEntraToken(exchange.token, now)) return true;
  const claims = bearerClaims(exchange, simulation.settings.service.accessKeys, now);
  if (claims === undefined) return false;
  // REST reference: the audience is the request's address without its query.
  if (audienceMatches(claims["aud"], decodeURIComponent(exchange.path))) return true;
  exchange.answer(401, "", {
    "www-authenticate": 'Bearer error="invalid_token", error_description="The audience is invalid"',
  });
  return false;
}

function act(request: RestRequest): void {
  const { exchange, parts, hub } = request;
  const [kind = "", id = "", third, fourth] = parts;
  const verb = `${exchange.method} ${kind}${third === undefined ? "" : `/${third}`}`;
  const excluded = exchange.query.getAll("excluded");
  const sends = exchange.method === "POST" && (kind === ":send" || parts.length === 0 || third === ":send");
  if (
    (kind === "groups" || third === "groups") &&
    (third === "groups" ? (fourth ?? "") : id).length > MAX_GROUP_CHARS
  ) {
    exchange.answer(400);
  } else if (sends || (exchange.method === "POST" && parts.length === 2 && !kind.startsWith(":"))) {
    const target = addressed(hub, kind, id, excluded);
    if (target === undefined) exchange.answer(404);
    else send(request, target);
  } else if (kind === ":generateToken") generateToken(request);
  else if (kind === ":closeConnections") close(request, hub.connectionIds, 204);
  else if (third === ":closeConnections") close(request, members(hub, kind, id), 204);
  else if (verb === "POST connections/:invoke") void invoke(request, id);
  else if (verb === "DELETE connections") {
    if (members(hub, kind, id).length > 0) close(request, [id], 200);
    else missing(exchange, "Warning.Connection.NotExisted");
  } else if (verb === "HEAD connections" || verb === "HEAD groups" || verb === "HEAD users") {
    if (members(hub, kind, id).length > 0) exchange.answer(200);
    else missing(exchange, absent[kind] ?? "");
  } else handleMembership(request, verb, id, fourth);
}

/** The clients that a path names; undefined when it names none that exist here. */
function addressed(hub: Hub, kind: string, id: string, excluded: readonly string[]): ClientProxy | undefined {
  switch (kind) {
    case ":send":
    case "":
      return hub.clients.allExcept(excluded);
    case "users":
      return hub.clients.user(id);
    case "groups":
      return hub.clients.groupExcept(id, excluded);
    case "connections":
      return hub.clients.client(id);
    default:
      return undefined;
  }
}

function members(hub: Hub, kind: string, id: string): string[] {
  const all = [...hub.audience.sessions()].map(({ connection }) => connection);
  if (kind === "connections") return all.filter((each) => each.id === id).map((each) => each.id);
  if (kind === "groups") return hub.audience.inGroup(id).map(({ connection }) => connection.id);
  return all.filter((each) => each.beginning.identity.userId === id).map((each) => each.id);
}

/** What is not there, as an answer to a question for it. */
const absent: Readonly<Record<string, string>> = {
  connections: "Warning.Connection.NotExisted",
  groups: "Warning.Group.NotExisted",
  users: "Warning.User.NotExisted",
};

/** Answers 404 with the code by which the management SDKs tell "there is none" from "no such address". */
export function missing(exchange: Exchange, code: string): void {
  exchange.answer(404, "", { "x-ms-error-code": code });
}

/** What the body asks to be called at clients; answers with 400 when it is no such thing. */
function payload({ exchange, body }: RestRequest): { target: string; args: unknown[] } | undefined {
  try {
    const message = JSON.parse(body.toString()) as { target?: unknown; arguments?: unknown };
    const args: unknown = message.arguments ?? [];
    if (typeof message.target === "string" && Array.isArray(args)) return { target: message.target, args };
  } catch {
    // It is not even JSON.
  }
  exchange.answer(400);
  return undefined;
}

function send(request: RestRequest, to: ClientProxy): void {
  const message = payload(request);
  if (message === undefined) return;
  request.exchange.answer(202);
  to.send(message.target, ...message.args);
}

async function invoke(request: RestRequest, id: string): Promise<void> {
  const { exchange, hub } = request;
  const message = payload(request);
  if (message === undefined) return;
  if (hub.audience.session(id) === undefined) {
    missing(exchange, "Error.Connection.NotExisted");
    return;
  }
  try {
    exchange.json({ result: await hub.clients.client(id).invoke(message.target, ...message.args) });
  } catch (error) {
    const body = JSON.stringify({
      code: "Error.Connection.InvocationFailed",
      message: (error as Error).message,
    });
    exchange.answer(400, body, { "content-type": "application/json" });
  }
}

function close({ exchange, hub }: RestRequest, connectionIds: readonly string[], status: number): void {
  const excluded = exchange.query.getAll("excluded");
  const reason = exchange.query.get("reason");
  exchange.answer(status);
  hub.close(
    // As the emulator does.
    { allowReconnect: true, ...(reason === null ? {} : { error: reason }) },
    connectionIds.filter((id) => !excluded.includes(id)),
  );
}

function generateToken({ exchange, hub, service }: RestRequest): void {
  const minutes = Number(exchange.query.get("minutesToExpire") ?? 60);
  const { accessToken } = service.clientAccess(hub.name, {
    secure: exchange.origin.startsWith("https:"),
    userId: exchange.query.get("userId") ?? undefined,
    lifetimeMs: minutes * 60_000,
    issuer: "generate-token",
  });
  exchange.json({ token: accessToken });
}
