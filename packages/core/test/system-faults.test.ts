import { describe, expect, it } from "vitest";
import { faultTable } from "../src/fault-table.ts";
import { HoldfastError } from "../src/holdfast-error.ts";
import { systemFaults } from "../src/system-faults.ts";

const classify = (error: unknown) => faultTable("system", systemFaults)(error, 0);
const nodeError = (code: string, message: string): Error => Object.assign(new Error(message), { code });
const named = (name: string, message = ""): Error => Object.assign(new Error(message), { name });

describe("what the system reports", () => {
  it.each([
    [
      nodeError("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1"),
      "connection-refused",
      "disconnected",
      "no",
    ],
    [nodeError("ECONNREFUSED", ""), "connection-refused", "disconnected", "no"],
    [
      nodeError("GeneralError", "ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1"),
      "connection-refused",
      "disconnected",
      "no",
    ],
    [nodeError("ENOTFOUND", "getaddrinfo ENOTFOUND nope.invalid"), "dns", "disconnected", "no"],
    [nodeError("EAI_AGAIN", "getaddrinfo EAI_AGAIN x"), "dns", "disconnected", "no"],
    [nodeError("ECONNRESET", "read ECONNRESET"), "connection-reset", "disconnected", "maybe"],
    [nodeError("ECONNRESET", "socket hang up"), "connection-reset", "disconnected", "maybe"],
    [nodeError("EPIPE", "write EPIPE"), "connection-reset", "disconnected", "maybe"],
    [nodeError("ECONNABORTED", "write ECONNABORTED"), "connection-reset", "disconnected", "maybe"],
    [
      nodeError("EHOSTUNREACH", "connect EHOSTUNREACH 10.0.0.1:5671"),
      "connection-refused",
      "disconnected",
      "no",
    ],
    [nodeError("GeneralError", "read EHOSTUNREACH"), "connection-reset", "disconnected", "maybe"],
    [nodeError("CERT_HAS_EXPIRED", "certificate has expired"), "tls", "client-bug", "no"],
    [
      nodeError("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate"),
      "tls",
      "client-bug",
      "no",
    ],
    [
      nodeError("ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames"),
      "tls",
      "client-bug",
      "no",
    ],
    [nodeError("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"), "tls", "client-bug", "no"],
    [named("AbortError"), "aborted", "cancelled", "no"],
    [new HoldfastError("attempt-timeout", "late"), "attempt-timeout", "timeout", "maybe"],
    [new HoldfastError("deadline", "late"), "attempt-timeout", "timeout", "maybe"],
    [new HoldfastError("closed", "closed"), "holdfast", "client-bug", "no"],
    [new TypeError("x is not a function"), "programming-error", "client-bug", "no"],
    [new RangeError("out of range"), "programming-error", "client-bug", "no"],
  ])("%s is %s: %s, sent %s", (error, id, kind, sent) => {
    expect(classify(error)).toMatchObject({ id, kind, sent });
  });

  it("finds both addresses of a host refused, as Node reports it without a message", () => {
    const refused = ["::1", "127.0.0.1"].map((host) =>
      nodeError("ECONNREFUSED", `connect ECONNREFUSED ${host}:1`),
    );
    const error = Object.assign(new AggregateError(refused, ""), { code: "ECONNREFUSED" });
    expect(classify(error)).toMatchObject({ id: "connection-refused", code: "ECONNREFUSED" });
  });
});

describe("a fetch that failed is no programming error, although it is a TypeError", () => {
  const fetchFailed = (code: string, message: string) =>
    new TypeError("fetch failed", { cause: nodeError(code, message) });

  it.each([
    [fetchFailed("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1"), "connection-refused"],
    [fetchFailed("ENOTFOUND", "getaddrinfo ENOTFOUND nope.invalid"), "dns"],
    [fetchFailed("CERT_HAS_EXPIRED", "certificate has expired"), "tls"],
    [fetchFailed("UND_ERR_SOCKET", "other side closed"), "connection-reset"],
    [fetchFailed("UND_ERR_CONNECT_TIMEOUT", "Connect Timeout Error"), "connection-refused"],
    [
      new TypeError("terminated", { cause: nodeError("UND_ERR_SOCKET", "other side closed") }),
      "fetch-failed",
    ],
    [new TypeError("Failed to fetch"), "fetch-failed"],
    [new TypeError("NetworkError when attempting to fetch resource."), "fetch-failed"],
    [new TypeError("Load failed"), "fetch-failed"],
    [new TypeError("terminated"), "fetch-failed"],
    [new TypeError("fetch failed"), "unknown"],
  ])("%s is %s", (error, id) => {
    expect(classify(error).id).toBe(id);
  });

  it("stays a programming error when the arguments were wrong", () => {
    expect(classify(new TypeError("Failed to parse URL from nope")).id).toBe("programming-error");
  });
});

it("explains every row: why, what to do, and where it is documented in the open", () => {
  for (const row of systemFaults) {
    expect(row.because.length, row.id).toBeGreaterThan(10);
    expect(row.remedy.length, row.id).toBeGreaterThan(5);
    if (row.see !== undefined) expect(new URL(row.see).protocol).toBe("https:");
  }
});
