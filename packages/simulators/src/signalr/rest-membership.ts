import type { Exchange } from "./http/exchange.ts";
import { missing, type RestRequest } from "./rest.ts";

const MAX_PAGE = 200;

/** Who belongs to which group: the part of the REST API that asks for it and changes it. */
export function handleMembership(
  { exchange, hub }: RestRequest,
  verb: string,
  id: string,
  other: string | undefined,
): void {
  const exists = hub.audience.session(verb.includes("groups/connections") ? (other ?? "") : id) !== undefined;
  switch (verb) {
    case "GET groups/connections":
      list(
        exchange,
        hub.audience.inGroup(id).map(({ connection }) => ({
          connectionId: connection.id,
          ...(connection.beginning.identity.userId === undefined
            ? {}
            : { userId: connection.beginning.identity.userId }),
        })),
      );
      return;
    case "PUT groups/connections":
      if (!exists) missing(exchange, "Error.Connection.NotExisted");
      else {
        hub.groups.add(other ?? "", id);
        exchange.answer(200);
      }
      return;
    case "DELETE groups/connections":
      hub.groups.remove(other ?? "", id);
      if (exists) exchange.answer(200);
      else missing(exchange, "Error.Connection.NotExisted");
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
      exchange.answer(204);
      return;
    case "DELETE groups/users":
      hub.groups.removeUser(other ?? "", id);
      exchange.answer(204);
      return;
    // The management SDKs ask by GET.
    case "GET users/groups":
    case "HEAD users/groups":
      answerIsIn(exchange, hub.groups.hasUser(id, other ?? ""));
      return;
    case "HEAD groups/users":
    case "GET groups/users":
      answerIsIn(exchange, hub.groups.hasUser(other ?? "", id));
      return;
    default:
      exchange.answer(404);
  }
}

function answerIsIn(exchange: Exchange, isIn: boolean): void {
  if (isIn) exchange.answer(200);
  else missing(exchange, "Info.User.NotInGroup");
}

/** Answers with one page; the continuation token is the number of those that came before it. */
function list(exchange: Exchange, members: readonly object[]): void {
  const value = (name: string, fallback: number): number => {
    const key = [...exchange.query.keys()].find((each) => each.toLowerCase() === name);
    const given = Number(exchange.query.get(key ?? name) ?? fallback);
    return Number.isInteger(given) && given >= 0 ? given : fallback;
  };
  const start = value("continuationtoken", 0);
  const left = Math.min(value("top", Infinity), members.length - start);
  const size = Math.min(value("maxpagesize", MAX_PAGE), MAX_PAGE, left);
  const next = new URL(exchange.path, exchange.origin);
  for (const [name, given] of exchange.query) next.searchParams.set(name, given);
  next.searchParams.set("continuationToken", String(start + size));
  if (next.searchParams.has("top")) next.searchParams.set("top", String(left - size));
  exchange.json({
    value: members.slice(start, start + size),
    ...(size < left ? { nextLink: next.href } : {}),
  });
}
