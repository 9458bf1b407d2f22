import type { HoldfastEvent } from "@holdfast/core";

/** More connections live in the process than `warnAboveConnections`; perhaps nobody stops them. */
export interface ConnectionsEvent {
  readonly type: "many-connections";
  readonly operation: "signalr.start";
  readonly target: string;
  readonly live: number;
  /** Where each that lives was built, oldest first. */
  readonly builtAt: readonly string[];
}

/** What a SignalR connection tells about itself. */
export type SignalREvent = HoldfastEvent | ConnectionsEvent;

/** Receives events synchronously. What it throws or rejects with is ignored. */
export type SignalREventListener = (event: SignalREvent) => void;
