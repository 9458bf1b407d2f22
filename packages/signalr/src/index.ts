export * from "@microsoft/signalr";
export { HubConnectionBuilder } from "./builder.ts";
export { HubConnection, type StartOptions } from "./hub-connection.ts";
export { type CallOptions } from "./call-options.ts";
export { classifySignalR } from "./classify.ts";
export { type ConnectionsEvent, type SignalREvent, type SignalREventListener } from "./events.ts";
export { type SignalROperation } from "./operations.ts";
export { signalrPolicies, type SignalRPolicies } from "./policies.ts";
export { type Joining, type PolicySource, type ResilienceOptions } from "./resilience.ts";
export {
  sharedHubConnection,
  withHubConnection,
  type ConnectionSource,
  type SharedConnection,
  type SharingOptions,
  type WithHubConnectionOptions,
} from "./shared.ts";
export {
  backoff,
  failureOf,
  HoldfastError,
  policy,
  presets,
  type AttemptRecord,
  type Backoff,
  type Failure,
  type FaultKind,
  type FaultRow,
  type FaultSummary,
  type HoldfastEvent,
  type Policy,
  type PolicyOptions,
} from "@holdfast/core";
