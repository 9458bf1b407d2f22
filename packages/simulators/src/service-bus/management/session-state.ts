import { codec } from "../amqp-types.ts";
import type { MessageQueue } from "../queue.ts";
import { onQueue, sessionOf, type Operation } from "./operation.ts";

/** What is kept with a session; null when there is none. */
export const getSessionState: Operation<MessageQueue> = {
  claim: "Listen",
  on: onQueue,
  perform(request) {
    const lock = sessionOf(request, true);
    const state = lock && request.entity.sessions?.stateOf(lock.session.id);
    return {
      status: 200,
      body: { "session-state": state === undefined ? codec.Null() : codec.wrap_binary(state) },
    };
  },
};

/** Keeps something with a session; null removes it. */
export const setSessionState: Operation<MessageQueue> = {
  claim: "Listen",
  on: onQueue,
  perform(request) {
    const lock = sessionOf(request, true);
    const state = request.body["session-state"];
    if (lock !== undefined) {
      request.entity.sessions?.setState(lock.session.id, Buffer.isBuffer(state) ? state : undefined);
    }
    return { status: 200, body: {} };
  },
};
