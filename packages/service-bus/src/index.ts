export * from "@azure/service-bus";
export { decodeBody, encodeBody, type EncodedBody, type EncodeOptions } from "./body-codec.ts";
export { type ServiceBusSender, type ServiceBusSenderOptions } from "./sender.ts";
export {
  ServiceBusAdministrationClient,
  type ServiceBusAdministrationClientOptions,
} from "./administration-client.ts";
export { ServiceBusClient, type ServiceBusClientOptions } from "./client.ts";
export {
  ChunkAssembler,
  type Assembled,
  type ChunkAssemblerOptions,
  type IncompleteContent,
} from "./chunk-assembler.ts";
export { claimCheckOf, releaseClaimCheck, restoreClaimCheck, type RestoreOptions } from "./claim-check.ts";
export { MemoryClaimCheckStore, type ClaimCheckMeta, type ClaimCheckStore } from "./claim-check-store.ts";
export {
  LargeMessageReader,
  type LargeMessageReaderOptions,
  type Restoration,
} from "./large-message-reader.ts";
export { type ChunkOptions, type ClaimCheckOptions, type LargeMessages } from "./large-messages.ts";
export { DeadLetters, replayProperties } from "./dead-letters.ts";
export {
  type DeadLetterSelection,
  type FailedReplay,
  type PurgeReport,
  type ReplayOptions,
  type ReplayReport,
  type SequenceNumber,
} from "./dead-letter-options.ts";
export { extendLock } from "./lock-extension.ts";
export { lockSignal } from "./lock.ts";
export { type ReceiveMessagesOptions } from "./batch-calls.ts";
export { type ServiceBusReceiver } from "./receiver.ts";
export { type ServiceBusReceiverOptions } from "./receiver-arguments.ts";
export { type ServiceBusSessionReceiverOptions } from "./session-arguments.ts";
export { type ServiceBusSessionReceiver } from "./session-receiver.ts";
export { MemoryIdempotencyStore, type IdempotencyStore } from "./idempotency-store.ts";
export { type MessageContext } from "./message-context.ts";
export { type Handler } from "./message-work.ts";
export { PermanentError, type ProcessorOptions, type RedeliveryOptions } from "./processor-options.ts";
export { Processor, type ProcessorState } from "./processor.ts";
export { type MessageSource } from "./message-source.ts";
export { type SessionProcessorOptions } from "./session-processor-options.ts";
export { SessionProcessor } from "./session-processor.ts";
export { type ProcessedSession, type SessionContext } from "./session-service.ts";
export { redeliveryProperties } from "./redelivery.ts";
export { type SettleResult } from "./settle-result.ts";
export { type PartitionBy } from "./partition-by.ts";
export { classifyServiceBus, serviceBusFaults } from "./faults.ts";
export { redactOfficialLog, type OfficialLog } from "./official-log.ts";
export { guardOfficialRejections } from "./rejection-guard.ts";
export { type Transport } from "./transport.ts";
export { type Credential } from "./credentials.ts";
export { serviceBusPolicies, type ServiceBusOperation } from "./operations.ts";
export { type PolicySource, type ResilienceOptions } from "./resilience.ts";
export {
  backoff,
  creditPacing,
  failureOf,
  HoldfastError,
  policies,
  policy,
  presets,
  type AttemptRecord,
  type Backoff,
  type BreakerOptions,
  type BudgetOptions,
  type EventListener,
  type Failure,
  type FaultKind,
  type FaultRow,
  type FaultSummary,
  type ItemOutcome,
  type HoldfastEvent,
  type Policies,
  type Policy,
  type PolicyOptions,
} from "@holdfast/core";
