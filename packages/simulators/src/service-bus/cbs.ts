import { codec } from "./amqp-types.ts";
import type { NewLink } from "./amqp-engine.ts";
import { conditions } from "./conditions.ts";
import type { BrokerConnection } from "./connection.ts";
import { BrokerLink } from "./link.ts";
import { attachReplies, attachRequests, type Request } from "./request-response.ts";
import { statusOf } from "./status.ts";
import { entityPath, verifyJwt, verifySasToken, type TokenVerdict } from "./sas-token.ts";
import { texts, trackingSuffix } from "./texts.ts";

interface Answer {
  readonly status: number;
  readonly description: string;
  readonly condition?: string;
}

/** A client attaches a link to the token node. CBS is "AMQP Claims-based Security", a draft of OASIS. */
export function attachToCbs(connection: BrokerConnection, { sender, receiver }: NewLink): void {
  if (sender !== undefined) attachReplies(new BrokerLink(connection, sender, "$cbs"), "$cbs", sender);
  if (receiver !== undefined) {
    const link = new BrokerLink(connection, receiver, "$cbs");
    attachRequests(link, "$cbs", receiver, (request) => {
      putToken(connection, request);
    });
  }
}

/** What the service itself says to a token. */
function decide(connection: BrokerConnection, audience: string, type: string, verdict: TokenVerdict): Answer {
  const { broker, claims } = connection;
  const tracked = (text: string, entity?: string): string =>
    `${text.trimEnd()} ${trackingSuffix(broker.tracking(entity))}`;
  if (type !== "servicebus.windows.net:sastoken" && type !== "jwt") {
    const description = tracked(`The token type '${type}' is not supported.`);
    return { status: 400, description, condition: conditions.notAllowed };
  }
  if (!verdict.valid) {
    return { status: 401, description: tracked(verdict.text), condition: conditions.authFailed };
  }
  const path = entityPath(audience);
  // The service looks the entity up while it is at it, after the rights.
  if (path !== "" && broker.node(path) === undefined) {
    const description = tracked(texts.entityNotFound(broker.resource(path)), path);
    return { status: 404, description, condition: conditions.notFound };
  }
  if (!claims.put(audience, verdict)) {
    const description = tracked(
      texts.tooManyTokens(broker.settings.maxTokensPerConnection, broker.resource(path)),
      path,
    );
    return { status: 403, description, condition: conditions.quotaExceeded };
  }
  if (verdict.expiresAt !== Infinity) {
    connection.after(verdict.expiresAt - broker.clock.wallNow(), () => {
      connection.detachUnauthorized(verdict.expiresAt);
    });
  }
  return { status: 202, description: "Accepted" };
}

function putToken(connection: BrokerConnection, request: Request): void {
  const { broker } = connection;
  const properties = request.message.application_properties ?? {};
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const operation = text(properties["operation"]);
  const audience = text(properties["name"]);
  const type = text(properties["type"]);
  const token = text(request.message.body);
  const now = broker.clock.wallNow();
  const verdict =
    type === "jwt" ? verifyJwt(token, now) : verifySasToken(token, audience, broker.settings.keys, now);
  const entity = broker.entityName(audience.replace(/\/\$management\/?$/, ""));
  const journal = (answer?: Answer): void => {
    const at = broker.clock.now();
    broker.ledgers.tokens.add({
      at,
      connection: connection.id,
      audience,
      type,
      status: answer?.status,
      description: answer?.description,
      keyName: verdict.keyName,
    });
    if (answer?.condition !== undefined) {
      const { condition, description } = answer;
      broker.ledgers.refusals.add({
        at,
        step: "cbs",
        entity,
        connection: connection.id,
        condition,
        description,
        messageIds: [],
      });
    }
  };
  const send = (answer: Answer): void => {
    journal(answer);
    request.answer({
      applicationProperties: {
        "status-code": codec.wrap_int(answer.status),
        "status-description": answer.description,
        ...(answer.condition === undefined ? {} : { "error-condition": codec.wrap_symbol(answer.condition) }),
      },
    });
  };
  if (operation !== "put-token") {
    const description = `${texts.unknownOperation(operation)} ${trackingSuffix(broker.tracking())}`;
    send({ status: 501, description, condition: conditions.notImplemented });
    return;
  }
  const fault = broker.fault("cbs", entity);
  if (fault?.kind === "refuse") {
    const { condition, description, statusCode = statusOf(condition) } = fault;
    send({
      status: statusCode,
      description: `${description} ${trackingSuffix(broker.tracking(entity))}`,
      condition,
    });
    return;
  }
  if (fault === undefined) send(decide(connection, audience, type, verdict));
  else if (fault.kind === "delay") {
    const answer = decide(connection, audience, type, verdict);
    connection.after(fault.ms, () => {
      send(answer);
    });
  } else {
    if (fault.stored) decide(connection, audience, type, verdict);
    journal();
    if (fault.kind !== "lose-acknowledgement") connection.suffer(fault);
  }
}
