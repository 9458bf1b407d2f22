export { iotHub } from "./iot-hub.ts";
export type { IotHubSimulator } from "./iot-hub.ts";
export type {
  CloudToDeviceOptions,
  HubPolicy,
  HubRight,
  IdentityOptions,
  EventHubOptions,
  IotHubOptions,
  ThrottleOptions,
} from "./options.ts";
export type { CommandInput, DeviceControl } from "./device-control.ts";
export type { Command, CommandAck, CommandContent } from "./command.ts";
export type { MethodRequest, MethodResult } from "./direct-method.ts";
export type { Authentication } from "./identity.ts";
export type { FileNotification, StoredBlob } from "./uploads.ts";
export type { JsonObject } from "./twin.ts";
export { HubFailure } from "./hub-failure.ts";
export { hubErrors } from "./hub-error.ts";
export type { ConnackCode, HubError } from "./hub-error.ts";
export {
  delayAcknowledgement,
  dropConnection,
  duplicate,
  forceConnectionClose,
  forceDetach,
  forgetSession,
  ignore,
  loseAcknowledgement,
  malformed,
  refuse,
  refuseConnection,
  throttled,
} from "./faults.ts";
export type {
  ClosedHubConnection,
  DetachedHubLink,
  DroppedHubConnection,
  Duplicated,
  ForgottenSession,
  HubConnectionFault,
  HubErrorName,
  HubRefusal,
  IotHubFaults,
  IotHubStep,
  LateAnswer,
  LostAnswer,
  Malformed,
  RefusedConnection,
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
export type { IotHubJournal } from "./journal.ts";
export type * from "./journal-entries.ts";
export { trustCertificate } from "./trust.ts";
export type { SimulatorClock } from "../clock.ts";
export { makeCertificate } from "../sockets/certificate.ts";
export type { Certificate } from "../sockets/certificate.ts";
export { makeDeviceCertificate } from "./device-certificate.ts";
export type { DeviceCertificate } from "./device-certificate.ts";
