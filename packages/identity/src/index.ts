export * from "@azure/identity";
export {
  AzurePipelinesCredential,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  OnBehalfOfCredential,
} from "./application-credentials.ts";
export {
  ChainedTokenCredential,
  DefaultAzureCredential,
  getDefaultAzureCredential,
} from "./chained-credentials.ts";
export { classifyIdentity, identityFaults } from "./faults.ts";
export { identityPolicies, type IdentityOperation } from "./operations.ts";
export {
  EnvironmentCredential,
  ManagedIdentityCredential,
  WorkloadIdentityCredential,
} from "./platform-credentials.ts";
export { type Holding, type PolicySource, type ResilienceOptions } from "./resilience.ts";
export { resilient, type ResilientCredential } from "./resilient.ts";
export {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  AzurePowerShellCredential,
} from "./tool-credentials.ts";
export {
  failureOf,
  HoldfastError,
  policies,
  policy,
  presets,
  type EventListener,
  type Failure,
  type FaultKind,
  type FaultRow,
  type HoldfastEvent,
  type Policies,
  type Policy,
  type PolicyOptions,
} from "@holdfast/core";
