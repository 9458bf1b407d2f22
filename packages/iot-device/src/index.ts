import { officialPackage } from "./official.ts";

export { Client } from "./client.ts";
export { type ClientOptions } from "./client-options.ts";
export { iotPolicies, type IotOperation } from "./operations.ts";
export { type PolicySource, type ResilienceOptions } from "./resilience.ts";
export { classifyIotDevice, iotDeviceFaults } from "./faults.ts";
export const { Message } = officialPackage;
