import { describe, expect, it } from "vitest";
import { classifyIdentity, identityFaults } from "@holdfast/identity/faults";

const classify = classifyIdentity();
const named = (name: string, message: string, more: object = {}): Error =>
  Object.assign(new Error(message), { name, ...more });
const signIn = (message: string): Error => named("AuthenticationRequiredError", message);
const entra = (code: number, text = "…"): Error =>
  signIn(`invalid_client: Error(s): ${code} - Timestamp: t - Description: AADSTS${code}: ${text}`);

// What the official client 4.13.1 throws (seen on local issuers, or documented), and what it means.
const cases: readonly [string, unknown, object][] = [
  ["a throttled tenant", entra(90055), { kind: "throttled", id: "throttled" }],
  ["the issuer's own trouble", entra(90033), { kind: "transient", id: "issuer-trouble" }],
  ["an expired secret", entra(7000222), { kind: "auth", id: "secret-expired" }],
  ["a wrong secret", entra(7000215), { kind: "auth", id: "secret-wrong" }],
  ["an unknown application", entra(700016), { kind: "auth", id: "application-unknown" }],
  ["a wrong clock", entra(700024), { kind: "client-bug", id: "clock" }],
  ["a wrong resource", entra(500011), { kind: "auth", id: "scope-wrong" }],
  ["a policy that wants a person", entra(53003), { kind: "auth", id: "interaction" }],
  ["a code that has no row", entra(999999), { kind: "auth", id: "refused" }],
  ["MSAL's silence after a failure", signIn(""), { kind: "throttled", id: "msal-throttle" }],
  [
    "an endpoint that is being updated",
    signIn('Response had no "expiresOn" property.'),
    { kind: "disconnected", id: "imds-updating" },
  ],
  [
    "an endpoint that fails with JSON",
    named("CredentialUnavailableError", "ManagedIdentityCredential: Authentication failed. Message x: …", {
      cause: named("ServerError", "x: …", { status: 503 }),
    }),
    { kind: "transient", id: "issuer-status" },
  ],
  [
    "an endpoint that cannot be reached",
    named(
      "CredentialUnavailableError",
      "ManagedIdentityCredential: Network unreachable. Message: network_error",
    ),
    { kind: "transient", id: "imds-unreachable" },
  ],
  [
    "an issuer that cannot be reached",
    named("CredentialUnavailableError", "endpoints_resolution_error: See https://aka.ms/msal.js.errors"),
    { kind: "disconnected", id: "issuer-unreachable" },
  ],
  [
    "a chain with nothing in it that works",
    named("AggregateAuthenticationError", "ChainedTokenCredential authentication failed.", {
      errors: [named("CredentialUnavailableError", "ManagedIdentityCredential: Network unreachable.")],
    }),
    { kind: "auth", id: "no-credential" },
  ],
  [
    "a credential that is not set up",
    named("CredentialUnavailableError", "EnvironmentCredential is unavailable."),
    { kind: "auth", id: "unavailable" },
  ],
  ["an abort", named("AbortError", "The operation was aborted."), { kind: "cancelled" }],
];

describe("the fault table", () => {
  it.each(cases)("knows %s", (_, error, expected) => {
    expect(classify(error, 0)).toMatchObject({ service: "identity", ...expected });
  });

  it("lets a user's own rows go first", () => {
    const own = classifyIdentity([
      {
        id: "mine",
        kind: "transient",
        match: { text: /AADSTS700016/ },
        because: "it is new",
        remedy: "wait",
      },
    ]);
    expect(own(entra(700016), 0)).toMatchObject({ id: "mine", kind: "transient" });
  });

  it("says of each row what it means, what to do and where it stands", () => {
    for (const { because, remedy } of identityFaults) expect([because, remedy]).not.toContain("");
  });
});
