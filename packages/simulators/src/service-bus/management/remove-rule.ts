import { conditions } from "../conditions.ts";
import type { Subscription } from "../subscription.ts";
import { texts } from "../texts.ts";
import { onSubscription, textIn, type Operation } from "./operation.ts";

/** Takes a rule from a subscription. */
export const removeRule: Operation<Subscription> = {
  claim: "Listen",
  on: onSubscription,
  perform({ entity, connection, body }) {
    const name = textIn(body, "rule-name") ?? "";
    if (entity.rules.remove(name)) return { status: 200, body: {} };
    const resource = connection.broker.resource(`${entity.queue.path}/Rules/${name}`);
    return { status: 404, condition: conditions.notFound, description: texts.entityNotFound(resource) };
  },
};
