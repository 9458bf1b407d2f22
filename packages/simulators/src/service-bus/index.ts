export { serviceBus } from "./service-bus.ts";
export type { ServiceBusSimulator } from "./service-bus.ts";
export type { TlsEndpoint, WebSocketEndpoint } from "./endpoints.ts";
export type { Claim, NamespaceOptions, ServiceBusOptions, SharedAccessKey } from "./options.ts";
export type {
  CorrelationConditions,
  EntityStatus,
  QueueOptions,
  RuleOptions,
  SubscriptionOptions,
  TopicOptions,
} from "./entity-options.ts";
export type { CreditOptions } from "./throttle.ts";
export type { QueueControl } from "./queue-control.ts";
export type { TopicControl } from "./topic-control.ts";
export {
  deafLink,
  delayAcknowledgement,
  dropConnection,
  forceConnectionClose,
  forceDetach,
  ignore,
  loseAcknowledgement,
  refuseAdmin,
  refuseLink,
  refuseToken,
  reject,
  serverBusy,
} from "./faults.ts";
export type {
  AdminRefusal,
  ConnectionFault,
  DeafLink,
  Delay,
  DroppedConnection,
  ForcedConnectionClose,
  ForcedDetach,
  LostAcknowledgement,
  Refusal,
  ServiceBusFaults,
  ServiceBusStep,
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
export type { SimulatorClock } from "../clock.ts";
export type { Transport } from "../sockets/wire.ts";
