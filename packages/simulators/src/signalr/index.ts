export { signalr } from "./signalr.ts";
export type { SignalRSimulator } from "./signalr.ts";
export type {
  Authorization,
  EndpointOptions,
  HubEndpointOptions,
  HubOptions,
  Identity,
  RequestView,
  ServiceOptions,
  SignalROptions,
  TlsVersions,
  TransportName,
} from "./options.ts";
export type { AppServer, HeaderSource, RouteAnswer, RouteHandler, RouteRequest } from "./app-server.ts";
export type { AzureService, ClientAccessOptions } from "./service.ts";
export type { SimulatedServer } from "./server.ts";
export type { Hub, HubCall, HubHandler, HubMethodOptions } from "./hub.ts";
export type { ClientProxy, HubCallClients, HubClients, SingleClientProxy } from "./hub-clients.ts";
export type { Groups } from "./groups.ts";
export { HubException } from "./hub-error.ts";
export type { RawConnection, RawHandler } from "./raw-connection.ts";
export {
  answer,
  closeConnection,
  cutMessage,
  delayAnswer,
  dropConnection,
  fallSilent,
  neverAnswer,
  refuseHandshake,
  throttled,
} from "./faults.ts";
export type {
  Answer,
  ClosedConnection,
  ConnectionFault,
  CutMessage,
  Delay,
  DroppedConnection,
  FallenSilent,
  NeverAnswered,
  RefusedHandshake,
  RequestFault,
  RequestStep,
  SignalRFaults,
  SignalRStep,
} from "./faults.ts";
export { acceptThenClose, blackHole, halfOpen, resetConnection } from "../faults/socket-faults.ts";
export type {
  AcceptThenClose,
  BlackHole,
  DropKind,
  HalfOpen,
  ResetConnection,
  SocketFault,
} from "../faults/socket-faults.ts";
export type { FaultRule, FaultScope, FaultScript, NextFaultScope } from "../faults/fault-script.ts";
export type { Journal } from "./journal.ts";
export type * from "./journal-entries.ts";
export type * from "./protocol/messages.ts";
export type { Claims } from "./http/json-web-token.ts";
export type { SimulatorClock } from "../clock.ts";
