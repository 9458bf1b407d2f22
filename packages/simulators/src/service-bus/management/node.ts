import { codec } from "../amqp-types.ts";
import type { NewLink } from "../amqp-engine.ts";
import { conditions } from "../conditions.ts";
import type { BrokerLink } from "../link.ts";
import type { Node } from "../entities.ts";
import { attachReplies, attachRequests, type Request } from "../request-response.ts";
import { statusOf } from "../status.ts";
import { texts, trackingSuffix } from "../texts.ts";
import { BadRequest, SessionLost, type OperationResult } from "./operation.ts";
import { operations } from "./operations.ts";

/** A client attaches a link to the `$management` node of an entity. */
export function attachToManagement(link: BrokerLink, entity: Node, { sender, receiver }: NewLink): void {
  const node = `${entity.path.toLowerCase()}/$management`;
  if (sender !== undefined) attachReplies(link, node, sender);
  if (receiver !== undefined) {
    attachRequests(link, node, receiver, (request) => {
      handle(link, entity, request);
    });
  }
}

function refused(condition: string, description: string, status = statusOf(condition)): OperationResult {
  return { status, condition, description };
}

interface Asked {
  readonly operation: string;
  readonly linkName: string | undefined;
  readonly body: unknown;
}

/** Carries the operation out, if it may be. */
function perform(
  { connection }: BrokerLink,
  node: Node,
  { operation, linkName, body }: Asked,
): OperationResult {
  const { broker, claims } = connection;
  const known = operations.get(operation);
  const unknown = refused(conditions.notImplemented, texts.unknownOperation(operation));
  if (known === undefined) return unknown;
  const path = `${node.path.toLowerCase()}/$management`;
  if (!claims.allows(known.claim, path, broker.clock.wallNow())) {
    return refused(conditions.unauthorized, texts.claimMissing(known.claim, broker.resource(path)));
  }
  if ((node.queue ?? node.destination)?.settings.status === "Disabled") {
    return refused(conditions.entityDisabled, texts.entityDisabled(broker.resource(path)));
  }
  if (!broker.throttle.admitManagementCall()) return refused(conditions.serverBusy, texts.serverBusy(2));
  try {
    const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    return known.perform(node, { connection, body: fields, linkName }) ?? unknown;
  } catch (error) {
    if (error instanceof BadRequest) return refused(conditions.badRequest, error.message, 400);
    if (error instanceof SessionLost) return refused(conditions.sessionLockLost, error.message);
    throw error;
  }
}

function handle(link: BrokerLink, node: Node, request: Request): void {
  const { connection } = link;
  const { broker } = connection;
  const { application_properties: properties = {}, body } = request.message;
  const text = (name: string): string | undefined => {
    const value = properties[name];
    return typeof value === "string" ? value : undefined;
  };
  const operation = text("operation") ?? "";
  const asked = { operation, linkName: text("associated-link-name"), body };
  const trackingId = text("com.microsoft:tracking-id");
  const journal = (result?: OperationResult, description = ""): void => {
    const at = broker.clock.now();
    const entry = { at, entity: node.path, connection: connection.id, operation };
    const condition = result?.condition;
    broker.ledgers.management.add({ ...entry, status: result?.status, condition, trackingId });
    if (condition !== undefined) {
      broker.ledgers.refusals.add({ ...entry, step: "management", condition, description, messageIds: [] });
    }
  };
  const answer = (result: OperationResult): void => {
    if (connection.isGone) return;
    const { status, condition } = result;
    const description =
      condition === undefined
        ? "OK"
        : `${(result.description ?? "").trimEnd()} ${trackingSuffix(broker.tracking(node.path))}`;
    journal(result, description);
    request.answer({
      applicationProperties: {
        statusCode: codec.wrap_int(status),
        statusDescription: description,
        ...(condition === undefined ? {} : { errorCondition: codec.wrap_symbol(condition) }),
        ...(trackingId === undefined ? {} : { "com.microsoft:tracking-id": trackingId }),
      },
      body: result.body ?? {},
    });
  };
  const step = operations.get(operation)?.step;
  const fault =
    broker.fault("management", node.path) ?? (step === undefined ? undefined : broker.fault(step, node.path));
  if (fault?.kind === "refuse") {
    answer(refused(fault.condition, fault.description, fault.statusCode));
    return;
  }
  if (fault === undefined) {
    answer(perform(link, node, asked));
    return;
  }
  if (fault.kind === "delay") {
    const result = perform(link, node, asked);
    connection.after(fault.ms, () => {
      answer(result);
    });
    return;
  }
  if (fault.stored) perform(link, node, asked);
  journal();
  if (fault.kind === "detach")
    link.detach(
      fault.condition === undefined ? { condition: conditions.detachForced } : { condition: fault.condition },
    );
  else if (fault.kind !== "lose-acknowledgement") connection.suffer(fault);
}
