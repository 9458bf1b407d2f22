import { faultTable, type Classify, type FaultRow } from "@holdfast/core";
import { documentedFaults } from "./documented-faults.ts";
import { officialFaults } from "./official-faults.ts";
import { serviceSideFaults, statusWords } from "./service-side-faults.ts";

/**
 * What goes wrong between a device and IoT Hub, and what it means; specific before general. Ids are rows of the documented
 * ledger. Names and not classes: the official packages are often installed twice, and `instanceof` fails across copies.
 */
export const iotDeviceFaults: readonly FaultRow[] = [
  ...documentedFaults,
  ...serviceSideFaults,
  ...officialFaults,
  ...statusWords,
];

/** What the official errors say beside name and message: the answer's body, and what the MQTT library said. */
interface OfficialError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly condition?: unknown;
  readonly statusCode?: unknown;
  readonly response?: unknown;
  readonly responseBody?: unknown;
  readonly transportError?: unknown;
  readonly amqpError?: unknown;
  readonly innerError?: unknown;
  readonly cause?: unknown;
}

/** Turns an error of the official client into a fault. Own rows, tried first, go before ours. */
export function classifyIotDevice(own: readonly FaultRow[] = []): Classify {
  const classify = faultTable("iot-device", [...own, ...iotDeviceFaults]);
  return (error, wallNowMs) => classify(readable(error, 0), wallNowMs);
}

/** Nested four deep are the uploads' errors; anything deeper is a loop. */
const deepest = 4;

/** The error as the table can read it: with the codes that the official client leaves in the answer's body. */
function readable(error: unknown, depth: number): unknown {
  if (typeof error !== "object" || error === null || depth > deepest) return error;
  const { responseBody, transportError, amqpError, innerError, response } = error as OfficialError;
  if ([responseBody, transportError, amqpError, innerError, response].every((field) => field === undefined)) {
    return error;
  }
  const { name, message, code, condition, statusCode, cause } = error as OfficialError;
  const body = typeof responseBody === "string" ? `\n${responseBody}` : "";
  const answered = typeof response === "object" && response !== null ? (response as OfficialError) : {};
  return {
    ...{ name, code, condition, response },
    message: `${typeof message === "string" ? message : ""}${body}`,
    statusCode: statusCode ?? answered.statusCode,
    // The table tries the first of these last, so what is nearest to the wire decides only where the names say nothing.
    errors: [transportError, amqpError, innerError, cause].map((inner) => readable(inner, depth + 1)),
  };
}
