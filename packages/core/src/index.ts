export { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
export { backoff, nextWait, type Backoff } from "./backoff.ts";
export { type Attempt } from "./bounded.ts";
export {
  breaker,
  sharedBreaker,
  type Breaker,
  type BreakerOptions,
  type BreakerRefusal,
  type BreakerState,
  type BreakerTrouble,
} from "./breaker.ts";
export { budget, sharedBudget, type Budget, type BudgetOptions } from "./budget.ts";
export { Chain, type ChainLink } from "./chain.ts";
export { systemClock, type Clock } from "./clock.ts";
export { type ConnectionState } from "./connection-state.ts";
export { decide, type Decision, type Progress, type StopReason } from "./decide.ts";
export {
  emit,
  type DisconnectedEvent,
  type DroppedEvent,
  type EventListener,
  type FaultSummary,
  type FellBackEvent,
  type GiveUpEvent,
  type HandlerFailedEvent,
  type HoldfastEvent,
  type ManyClientsEvent,
  type ReconnectedEvent,
  type RecoveredEvent,
  type RecycledEvent,
  type RetryEvent,
  type ThrottledSustainedEvent,
  type TokenKeptEvent,
  type TokenRefreshedEvent,
} from "./events.ts";
export {
  failureOf,
  rememberFailure,
  type AttemptRecord,
  type Failure,
  type ItemOutcome,
} from "./failure-of.ts";
export { connectingSteps, type ConnectingStep } from "./connecting-step.ts";
export { faultKinds, type Fault, type FaultKind, type Sent } from "./fault.ts";
export { faultLookup, type BareRow, type Reading } from "./fault-lookup.ts";
export { faultTable, type Classify, type FaultRow, type Match } from "./fault-table.ts";
export {
  creditPacing,
  gate,
  type Gate,
  type GateOptions,
  type GateOutcome,
  type GateState,
  type GateWait,
} from "./gate.ts";
export { badOption, HoldfastError, noAnswer, type HoldfastErrorCode } from "./holdfast-error.ts";
export { lanes, type Lane } from "./lane.ts";
export { type Outage } from "./outage.ts";
export {
  type EventLoopLagEvent,
  type ProcessedEvent,
  type ProcessingFailedEvent,
  type RecognisedEvent,
  type RedeliveredEvent,
} from "./processing-events.ts";
export { type LockLostEvent, type LockRenewalEndedEvent, type StalledEvent } from "./lock-events.ts";
export { policies, type Policies, type PolicyContext, type Retry, type RunOptions } from "./policies.ts";
export { policy, type Policy, type PolicyOptions } from "./policy.ts";
export { presets } from "./presets.ts";
export { systemRandom, type Random } from "./random.ts";
export { redact } from "./redact.ts";
export { renewAfter, Renewer, type Keeping, type KeepingEnded, type RenewerOptions } from "./renewer.ts";
export { retryAfter, type HeaderSource, type HintSource } from "./retry-after.ts";
export { retryHint } from "./retry-hint.ts";
export { defaultRules, type Action, type Rule } from "./rules.ts";
export { run, runOn, type FailedAttempt, type RunSpec } from "./run.ts";
export { sharedGate } from "./shared-gate.ts";
export { sharedTimers } from "./shared-timers.ts";
export { sleep } from "./sleep.ts";
export { Supervisor } from "./supervisor.ts";
export { type ConnectionAttempt, type SupervisorOptions } from "./supervisor-options.ts";
export { systemFaults } from "./system-faults.ts";
export { type AccessTokenLike } from "./token-life.ts";
export { TokenSource, type TokenRequestLike, type TokenSourceOptions } from "./token-source.ts";
