export {
  toFastifyHandler,
  toFunctionsHandler,
  toNodeHandler,
  type FastifyReplyLike,
  type FastifyRequestLike,
  type FunctionsRequestLike,
  type FunctionsResponse,
  type NodeRequestLike,
  type NodeResponseLike,
} from "./adapters.ts";
export type { TrimClaims } from "./claim-trimming.ts";
export type { Claims, ClaimSize, DroppedClaim } from "./claims.ts";
export { parseConnectionString, type ServiceEndpoint } from "./connection-string.ts";
export {
  createNegotiateHandler,
  type NegotiateHandler,
  type NegotiateHandlerOptions,
  type NegotiateReport,
} from "./handler.ts";
export {
  Negotiator,
  type Negotiation,
  type NegotiateRequest,
  type NegotiateResponse,
  type NegotiatorOptions,
  type TooLarge,
} from "./negotiation.ts";
export {
  SignalRServiceClient,
  type CallOptions,
  type SendOptions,
  type ServiceClientOptions,
} from "./service-client.ts";
export { SignalRServiceError } from "./service-error.ts";
export type { CredentialLike, ServiceOptions, ServiceResilience } from "./service-options.ts";
