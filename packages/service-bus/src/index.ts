export * from "@azure/service-bus";
export { ServiceBusClient, type ServiceBusClientOptions } from "./client.ts";
export { classifyServiceBus, serviceBusFaults } from "./faults.ts";
export { serviceBusPolicies, type ServiceBusOperation } from "./operations.ts";
export { type PolicySource, type ResilienceOptions } from "./resilience.ts";
export {
  backoff,
  failureOf,
  HoldfastError,
  policies,
  policy,
  presets,
  type AttemptRecord,
  type Backoff,
  type EventListener,
  type Failure,
  type FaultKind,
  type FaultRow,
  type HoldfastEvent,
  type Policies,
  type Policy,
  type PolicyOptions,
} from "@holdfast/core";
