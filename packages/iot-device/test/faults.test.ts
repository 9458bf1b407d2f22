import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { classifyIotDevice, iotDeviceFaults } from "../src/faults.ts";

const classify = classifyIotDevice();
const named = (name: string, message = "", more: object = {}): Error =>
  Object.assign(new Error(message), { name, ...more });

it.each([
  ["IOT-32", "transient", "5000001 ServerError"],
  ["IOT-32", "transient", "500001 ServerError"],
  ["IOT-33", "timeout", "500008 GenericTimeout"],
  ["IOT-12", "throttled", "403006  Number of active file upload requests exceeded limit"],
  ["IOT-12", "throttled", "Number of active file upload requests cannot exceed 10"],
  ["duplicate-identity", "duplicate-identity", "400027 ConnectionForcefullyClosedOnNewConnection"],
  ["duplicate-identity", "duplicate-identity", "409002 LinkCreationConflict"],
  ["IOT-26", "throttled", "429 ThrottlingException"],
  ["IOT-17", "disconnected", "404103 DeviceNotOnline"],
  ["IOT-20", "disconnected", "404104 DeviceConnectionClosedRemotely"],
  ["IOT-15", "not-found", "404001 DeviceNotFound"],
  ["IOT-10", "quota", "403004 DeviceMaximumQueueDepthExceeded"],
  ["IOT-07", "auth", "401003 IoTHubUnauthorized"],
  ["IOT-04", "auth", "401002 AuthenticationFailed"],
  ["IOT-43", "auth", "Unauthorized (no error code)"],
  ["IOT-44", "auth", "error:1C800064:Provider routines::bad decrypt"],
  ["IOT-44", "auth", "error:05800074:x509 certificate routines::key values mismatch"],
  ["IOT-44", "auth", "error:0480006C:PEM routines::no start line"],
  ["IOT-44", "auth", "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required"],
  ["IOT-44", "auth", "error:0A000415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired"],
  ["IOT-39", "lock-lost", "DeliveryCountExceeded"],
  ["IOT-42", "not-found", "MessageExpired"],
])("%s is %s: %s", (id, kind, text) => {
  expect(classify(new Error(text), 0)).toMatchObject({ id, kind });
});

it("IOT-43 takes a refused CONNECT for one, and a failed first connection for what it is", () => {
  const first = "mqtt.js returned Failure on first connection (Not authorized): ";
  const refused = named("UnauthorizedError", `${first}Connection refused: Not authorized error`);
  const unreachable = named("UnauthorizedError", `${first}connect ECONNREFUSED 127.0.0.1:8883 error`);
  const silent = named("UnauthorizedError", `${first}Unable to establish a connection error`);
  expect(classify(refused, 0).kind).toBe("auth");
  expect(classify(unreachable, 0).kind).toBe("disconnected");
  expect(classify(silent, 0).kind).toBe("disconnected");
});

it("IOT-34 takes CONNACK 3, and a 503, for a service that is away for a moment", () => {
  expect(classify(named("ServiceUnavailableError", "Connection refused: Server unavailable"), 0).kind).toBe(
    "transient",
  );
  expect(classify(named("Error", "x", { statusCode: 503 }), 0).kind).toBe("transient");
});

it("reads the code that the official client leaves in the answer's body", () => {
  const body = '{"Message":"{\\"errorCode\\":403006,\\"trackingId\\":\\"abc\\"}"}';
  const error = named("Error", "Forbidden", { response: { statusCode: 403 }, responseBody: body });
  expect(classify(error, 0)).toMatchObject({ id: "IOT-12", kind: "throttled" });
});

it("reads how long an HTTPS answer asks to wait", () => {
  const response = { statusCode: 429, headers: { "retry-after": "3" } };
  expect(classify(named("Error", "Too Many Requests", { response }), 0)).toMatchObject({
    ...{ kind: "throttled", hintMs: 3_000 },
  });
});

it("looks into what an upload's error wraps", () => {
  const inner = named("Error", "Not found", { response: { statusCode: 404 } });
  expect(classify(named("BlobSasError", "Could not obtain", { innerError: inner }), 0).kind).toBe(
    "not-found",
  );
});

it("survives errors that wrap themselves", () => {
  const error = named("Error", "round", { transportError: undefined as unknown });
  (error as { transportError?: unknown }).transportError = error;
  expect(classify(error, 0).kind).toBe("unknown");
});

it("recognises by name what another copy of the official package threw", () => {
  expect(classify({ name: "ThrottlingError", message: "" }, 0).kind).toBe("throttled");
  expect(classify({ name: "NotConnectedError", message: "" }, 0)).toMatchObject({
    kind: "disconnected",
    sent: "maybe",
  });
});

it("says what happened and what to do in every row, and imports no SDK", () => {
  for (const { because, remedy } of iotDeviceFaults)
    expect(because.length * remedy.length).toBeGreaterThan(0);
  for (const file of ["faults", "documented-faults", "official-faults"]) {
    const source = readFileSync(new URL(`../src/${file}.ts`, import.meta.url), "utf8");
    expect(source).not.toMatch(/from "azure/);
  }
});
