import type * as official from "@azure/service-bus";
import type { ServiceBusSender } from "./sender.ts";

/** The official sender as it is, with what code written for ours may call. */
export function bypassed(sender: official.ServiceBusSender): ServiceBusSender {
  return Object.assign(sender, {
    flush: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => sender.close(),
  });
}

/** The official receiver as it is, with what code written for ours may call. */
export function bypassedReceiver<T extends official.ServiceBusReceiver>(receiver: T): T & AsyncDisposable {
  return Object.assign(receiver, { [Symbol.asyncDispose]: () => receiver.close() });
}
