import { codec } from "../amqp-types.ts";
import type { MessageQueue } from "../queue.ts";
import { longOf, onQueue, type Operation } from "./operation.ts";

// .NET's DateTime.MaxValue stands for "those with messages"; any earlier time for "those whose state changed since".
const WITH_MESSAGES = new Date("9999-12-31T00:00:00Z").getTime();

/** Lists sessions; 204 when there are none. */
export const getMessageSessions: Operation<MessageQueue> = {
  claim: "Listen",
  on: onQueue,
  perform({ entity, body }) {
    const since = body["last-updated-time"];
    const sinceMs = since instanceof Date ? since.getTime() : typeof since === "number" ? since : undefined;
    const skip = longOf(body["skip"] ?? 0);
    const all =
      entity.sessions?.list(sinceMs === undefined || sinceMs >= WITH_MESSAGES ? undefined : sinceMs) ?? [];
    const ids = all.slice(skip, skip + longOf(body["top"] ?? 100));
    if (ids.length === 0) return { status: 204, body: {} };
    return {
      status: 200,
      body: { skip: codec.wrap_int(skip + ids.length), "sessions-ids": ids },
    };
  },
};
