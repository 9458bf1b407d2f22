import type * as official from "azure-iot-device";
import { officialPackage } from "./official.ts";

// The official package's other exports, by name: of its CommonJS, Node finds only `Client` and the default.
export type {
  AmqpTransportOptions,
  DeviceClientOptions,
  DeviceTransport,
  EdgedAuthConfig,
  HttpReceiverOptions,
  HttpTransportOptions,
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- ours has what the official one has
  MethodMessage,
  MqttTransportOptions,
  TwinProperties,
} from "azure-iot-device";

export const {
  DeviceMethodRequest,
  DeviceMethodResponse,
  IotEdgeAuthenticationProvider,
  Message,
  SharedAccessKeyAuthenticationProvider,
  SharedAccessSignatureAuthenticationProvider,
  Twin,
  X509AuthenticationProvider,
  getUserAgentString,
} = officialPackage;

export type DeviceMethodRequest = official.DeviceMethodRequest;
export type DeviceMethodResponse = official.DeviceMethodResponse;
export type IotEdgeAuthenticationProvider = official.IotEdgeAuthenticationProvider;
export type Message = official.Message;
export type SharedAccessKeyAuthenticationProvider = official.SharedAccessKeyAuthenticationProvider;
export type SharedAccessSignatureAuthenticationProvider =
  official.SharedAccessSignatureAuthenticationProvider;
export type Twin = official.Twin;
export type X509AuthenticationProvider = official.X509AuthenticationProvider;

// Two that the official package exports and does not declare.
const undeclared = officialPackage as unknown as Readonly<
  Record<"ConnectionString" | "SharedAccessSignature", object>
>;

/** Parses a connection string; undeclared by the official package. */
export const { ConnectionString, SharedAccessSignature } = undeclared;
