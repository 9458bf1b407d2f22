export { Client } from "./client.ts";
export { ModuleClient } from "./module-client.ts";
export { type MessageHandler, type MessageHandlingOptions } from "./cloud-messages.ts";
export { type ClientOptions } from "./client-options.ts";
export { classifyIotDevice, iotDeviceFaults } from "./faults.ts";
export { iotPolicies, type IotOperation } from "./operations.ts";
export { type PolicySource, type ResilienceOptions } from "./resilience.ts";
export { type Outbox } from "./outbox.ts";
export { type Enqueued, type EnqueueOptions, type OutboxStatistics } from "./outbox-contract.ts";
export { type OutboxOptions, type WhenFull } from "./outbox-options.ts";
export {
  MemoryOutboxStore,
  type LeftBehind,
  type OutboxStore,
  type StoredEntry,
  type StoredMessage,
} from "./outbox-store.ts";
export { MemoryUploadJournal, type OpenUpload, type UploadJournal } from "./upload-journal.ts";
export {
  backoff,
  failureOf,
  HoldfastError,
  policies,
  policy,
  presets,
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

export * from "./official-exports.ts";

/** For `import iot from …`, which is how the official package is imported. */
export { officialDefault as default } from "./official-default.ts";
