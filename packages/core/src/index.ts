export { onAbort, type AbortSignalLike } from "./abort.ts";
export { backoff, nextWait, type Backoff } from "./backoff.ts";
export { type Attempt } from "./bounded.ts";
export { systemClock, type Clock } from "./clock.ts";
export { decide, type Decision, type Progress, type StopReason } from "./decide.ts";
export {
  emit,
  type DisconnectedEvent,
  type EventListener,
  type FaultSummary,
  type GiveUpEvent,
  type HoldfastEvent,
  type ReconnectedEvent,
  type RecoveredEvent,
  type RecycledEvent,
  type RetryEvent,
} from "./events.ts";
export {
  failureOf,
  rememberFailure,
  type AttemptRecord,
  type Failure,
  type ItemOutcome,
} from "./failure-of.ts";
export { faultKinds, type Fault, type FaultKind, type Sent } from "./fault.ts";
export { faultTable, type Classify, type FaultRow, type Match } from "./fault-table.ts";
export { badOption, HoldfastError, type HoldfastErrorCode } from "./holdfast-error.ts";
export { policies, type Policies, type PolicyContext, type Retry } from "./policies.ts";
export { policy, type Policy, type PolicyOptions } from "./policy.ts";
export { presets } from "./presets.ts";
export { systemRandom, type Random } from "./random.ts";
export { redact } from "./redact.ts";
export { retryHint, type HeaderSource, type HintSource } from "./retry-hint.ts";
export { defaultRules, type Action, type Rule } from "./rules.ts";
export { run, type RunSpec } from "./run.ts";
export { systemFaults } from "./system-faults.ts";
