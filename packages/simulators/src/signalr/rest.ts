import { audienceMatches, bearerClaims, isEntraToken } from "./bearer.ts";
import type { Exchange } from "./http/exchange.ts";
import { atStep } from "./http/request-step.ts";
import type { ClientProxy } from "./hub-clients.ts";
import type { Hub } from "./hub.ts";
import { hubName } from "./options.ts";
import type { AzureService, HubDirectory } from "./service.ts";
import type { Simulation } from "./simulation.ts";

const MAX_BODY_BYTES = 1_048_576;
const MAX_GROUP_CHARS = 1_024;

/** A call of the REST API: what it is about, and where it is answered. */
interface Request {
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

function act(request: Request): void {
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
  else if (verb === "DELETE connections") close(request, [id], 200);
  else if (verb === "HEAD connections" || verb === "HEAD groups" || verb === "HEAD users") {
    exchange.answer(members(hub, kind, id).length > 0 ? 200 : 404);
  } else membership(request, verb, id, fourth);
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

function send({ exchange, body }: Request, target: ClientProxy): void {
  let message: { target?: unknown; arguments?: unknown };
  try {
    message = JSON.parse(body.toString()) as typeof message;
  } catch {
    exchange.answer(400);
    return;
  }
  const args: unknown = message.arguments ?? [];
  if (typeof message.target !== "string" || !Array.isArray(args)) {
    exchange.answer(400);
    return;
  }
  exchange.answer(202);
  target.send(message.target, ...(args as unknown[]));
}

function close({ exchange, hub }: Request, connectionIds: readonly string[], status: number): void {
  const excluded = exchange.query.getAll("excluded");
  const reason = exchange.query.get("reason");
  exchange.answer(status);
  hub.close(
    // As the emulator does.
    { allowReconnect: true, ...(reason === null ? {} : { error: reason }) },
    connectionIds.filter((id) => !excluded.includes(id)),
  );
}

function generateToken({ exchange, hub, service }: Request): void {
  const minutes = Number(exchange.query.get("minutesToExpire") ?? 60);
  const { accessToken } = service.clientAccess(hub.name, {
    secure: exchange.origin.startsWith("https:"),
    userId: exchange.query.get("userId") ?? undefined,
    lifetimeMs: minutes * 60_000,
    issuer: "generate-token",
  });
  exchange.json({ token: accessToken });
}

/** Who belongs to which group. */
function membership({ exchange, hub }: Request, verb: string, id: string, other: string | undefined): void {
  const exists = hub.audience.session(verb.includes("groups/connections") ? (other ?? "") : id) !== undefined;
  switch (verb) {
    case "PUT groups/connections":
      if (exists) hub.groups.add(other ?? "", id);
      exchange.answer(exists ? 200 : 404);
      return;
    case "DELETE groups/connections":
      hub.groups.remove(other ?? "", id);
      exchange.answer(exists ? 200 : 404);
      return;
    case "DELETE connections/groups":
      hub.groups.remove(id);
      exchange.answer(200);
      return;
    case "PUT users/groups":
      hub.groups.addUser(id, other ?? "");
      exchange.answer(200);
      return;
    case "PUT groups/users":
      hub.groups.addUser(other ?? "", id);
      exchange.answer(200);
      return;
    case "DELETE users/groups":
      hub.groups.removeUser(id, other);
      exchange.answer(200);
      return;
    case "DELETE groups/users":
      hub.groups.removeUser(other ?? "", id);
      exchange.answer(200);
      return;
    case "HEAD users/groups":
      exchange.answer(hub.groups.hasUser(id, other ?? "") ? 200 : 404);
      return;
    case "HEAD groups/users":
    case "GET groups/users":
      exchange.answer(hub.groups.hasUser(other ?? "", id) ? 200 : 404);
      return;
    default:
      exchange.answer(404);
  }
}
