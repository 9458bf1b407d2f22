import type { ServiceBusReceiver, ServiceBusSender } from "@azure/service-bus";

/** The way from an official sender or receiver to its link. Private there: a test fails when a version changes it. */
interface Private {
  readonly _sender?: { isOpen?(): boolean };
  readonly _streamingReceiver?: { isOpen?(): boolean };
}

/**
 * Whether the link of an official sender is open at this moment; false when that cannot be seen, and then `link-probe.ts` tells
 * by public means.
 */
export function isLinkOpen(sender: ServiceBusSender): boolean {
  return (sender as unknown as Private)._sender?.isOpen?.() === true;
}

/** Whether the link of an official receiver that has subscribed was closed since, as far as that can be seen. */
export function isLinkClosed(receiver: ServiceBusReceiver): boolean {
  return (receiver as unknown as Private)._streamingReceiver?.isOpen?.() === false;
}
