import * as official from "@azure/identity";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  ChainedTokenCredential,
  ClientSecretCredential,
  failureOf,
  ManagedIdentityCredential,
  resilient,
  type HoldfastEvent,
  type ResilienceOptions,
} from "../src/index.ts";
import { entra, managedIdentityEndpoint, refusal, type Answer, type Issuer } from "./support/issuers.ts";

const scope = "https://servicebus.azure.net/.default";
const throttled: Answer = {
  status: 429,
  headers: { "retry-after": "1" },
  body: refusal("temporarily_unavailable", "AADSTS90055: Too many requests."),
};
const open: Issuer[] = [];
const events: HoldfastEvent[] = [];

afterEach(async () => {
  events.length = 0;
  delete process.env["HOLDFAST_BYPASS"];
  await Promise.all(open.splice(0).map((issuer) => issuer.down()));
});

/** Our credential and the official one, of an application whose tokens come from a local issuer. */
async function application(answers: Answer[], resilience: ResilienceOptions = {}) {
  const issuer = await entra(answers);
  open.push(issuer);
  const options = {
    authorityHost: issuer.url,
    disableInstanceDiscovery: true,
    tlsOptions: { ca: issuer.ca },
  };
  return {
    issuer,
    ours: new ClientSecretCredential("tenant", "client", "secret", {
      ...options,
      resilience: { onEvent: (event) => events.push(event), ...resilience },
    }),
    bare: new official.ClientSecretCredential("tenant", "client", "secret", {
      ...options,
      retryOptions: { maxRetries: 0 },
    }),
  };
}

// MSAL remembers where the endpoint is, and its tokens by resource, once for the process.
let endpoint: Issuer;
let resources = 0;
beforeAll(async () => {
  endpoint = await managedIdentityEndpoint([]);
  process.env["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = endpoint.url;
});
afterAll(() => endpoint.down());

/** Our credential on a virtual machine with a local endpoint, and a scope that nothing is remembered of. */
function machine(answers: Answer[]) {
  endpoint.answers = answers;
  endpoint.requests.length = 0;
  resources += 1;
  const resilience = { onEvent: (event: HoldfastEvent) => events.push(event) };
  const ours = new ManagedIdentityCredential({ resilience });
  return { issuer: endpoint, ours, resource: `https://resource-${resources}.example/.default` };
}

const failed = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail("it should have failed"),
    (error: unknown) => error,
  );

describe("an application's credential", () => {
  it("waits as long as a throttling issuer asks for, then has its token from two requests", async () => {
    const { issuer, ours } = await application([throttled, { token: "good" }]);
    expect(await ours.getToken(scope)).toMatchObject({ token: "good", tokenType: "Bearer" });
    expect(issuer.requests).toHaveLength(2);
    expect(issuer.requests[1]! - issuer.requests[0]!).toBeGreaterThanOrEqual(990);
    expect(events[0]).toMatchObject({ type: "retry", hintMs: 1_000, fault: { kind: "throttled" } });
  });

  it("bare: is refused by the library itself, without a request, when the issuer is well again", async () => {
    const { issuer, bare } = await application([{ status: 503 }, { token: "good" }]);
    await failed(bare.getToken(scope));
    expect(await failed(bare.getToken(scope))).toMatchObject({
      name: "AuthenticationRequiredError",
      message: "",
    });
    expect(issuer.requests).toHaveLength(1);
  });

  it("ours: has its token at the second request", async () => {
    const { issuer, ours } = await application([{ status: 503 }, { token: "good" }]);
    expect(await ours.getToken(scope)).toMatchObject({ token: "good" });
    expect(issuer.requests).toHaveLength(2);
  });

  it("asks once for a hundred callers, and not again while the token is fresh", async () => {
    const { issuer, ours } = await application([{ token: "good" }]);
    const tokens = await Promise.all(Array.from({ length: 100 }, () => ours.getToken(scope)));
    await ours.getToken(scope);
    expect(new Set(tokens.map(({ token }) => token))).toEqual(new Set(["good"]));
    expect(issuer.requests).toHaveLength(1);
  });

  it("fails at once with the official error when the secret is wrong, and says what to do", async () => {
    const body = refusal("invalid_client", "AADSTS7000222: The provided client secret keys are expired.");
    const { issuer, ours } = await application([{ status: 401, body }]);
    const error = await failed(ours.getToken(scope));
    expect(error).toBeInstanceOf(official.AuthenticationRequiredError);
    expect(failureOf(error)).toMatchObject({
      id: "secret-expired",
      kind: "auth",
      service: "identity",
      reason: "permanent",
    });
    expect(issuer.requests).toHaveLength(1);
  });

  it("comes through an issuer that is down for a while", async () => {
    const { issuer, ours } = await application([{ token: "good" }]);
    await issuer.down();
    const token = ours.getToken(scope);
    await expect.poll(() => events.filter(({ type }) => type === "retry").length).toBeGreaterThanOrEqual(2);
    await issuer.up();
    expect(await token).toMatchObject({ token: "good" });
  });

  it("goes on with the token it has while the issuer fails in its last minutes", async () => {
    // Of a token of 8 s the second half is its last minutes.
    const { issuer, ours } = await application([{ token: "old", seconds: 8 }], { patienceMs: 200 });
    await ours.getToken(scope);
    issuer.answers = [{ status: 503 }];
    await expect
      .poll(() => ours.getToken(scope).then(() => events.map(({ type }) => type)))
      .toContain("token-kept");
    expect(await ours.getToken(scope)).toMatchObject({ token: "old" });
    issuer.answers = [{ token: "new" }];
    await expect.poll(async () => (await ours.getToken(scope)).token).toBe("new");
  });

  it("ends a caller's wait when the caller gives up", async () => {
    const { ours } = await application([{ hang: true }]);
    const abort = new AbortController();
    const waiting = failed(ours.getToken(scope, { abortSignal: abort.signal }));
    setTimeout(() => abort.abort(), 20);
    expect(await waiting).toMatchObject({ name: "AbortError" });
  });

  it("is the official credential when bypassed", async () => {
    process.env["HOLDFAST_BYPASS"] = "1";
    const { issuer, ours } = await application([{ status: 400, body: refusal("invalid_request", "no") }]);
    await failed(ours.getToken(scope));
    await failed(ours.getToken(scope));
    expect([issuer.requests.length, events]).toEqual([2, []]);
  });
});

describe("a managed identity", () => {
  it.each([
    ["is throttled", 429, refusal("too_many_requests", "slow down"), "throttled"],
    ["is being updated", 410, "{}", "imds-updating"],
    ["is not there yet", 404, "{}", "imds-updating"],
    ["fails", 503, "{}", "imds-updating"],
    ["fails without JSON", 500, "oops", "imds-unreachable"],
  ])("has its token although the endpoint %s (%i) at first", async (_, status, body, id) => {
    const { issuer, ours, resource } = machine([{ status, body }, { token: "good" }]);
    expect(await ours.getToken(resource)).toMatchObject({ token: "good" });
    expect([issuer.requests.length, events[0]]).toMatchObject([2, { type: "retry", fault: { id } }]);
  });

  it("fails at once when the identity is not assigned", async () => {
    const { issuer, ours, resource } = machine([
      { status: 400, body: refusal("invalid_request", "Identity not found") },
    ]);
    const error = await failed(ours.getToken(resource));
    expect(error).toBeInstanceOf(official.CredentialUnavailableError);
    expect(failureOf(error)).toMatchObject({ kind: "auth", reason: "permanent" });
    expect(issuer.requests).toHaveLength(1);
  });
});

describe("a chain", () => {
  it("is repeated as a whole, its members make one attempt each time", async () => {
    const { issuer, ours } = await application([throttled, { token: "good" }]);
    const chain = new ChainedTokenCredential(
      { getToken: () => Promise.reject(new official.CredentialUnavailableError("not here")) },
      ours,
    );
    expect(await chain.getToken(scope)).toMatchObject({ token: "good" });
    expect(issuer.requests).toHaveLength(2);
  });

  it("fails at once when nothing in it is set up", async () => {
    const none = { getToken: () => Promise.reject(new official.CredentialUnavailableError("not here")) };
    const error = await failed(new ChainedTokenCredential(none, none).getToken(scope));
    expect(error).toBeInstanceOf(official.AggregateAuthenticationError);
    expect(failureOf(error)).toMatchObject({ id: "no-credential", reason: "permanent" });
  });
});

describe("resilient()", () => {
  it("makes any credential one request for all, repeated and remembered", async () => {
    let calls = 0;
    const own = resilient({
      getToken: () => {
        calls += 1;
        if (calls < 3)
          return Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
        return Promise.resolve({ token: "own", expiresOnTimestamp: Date.now() + 3_600_000 });
      },
    });
    const tokens = await Promise.all([own.getToken(scope), own.getToken(scope)]);
    expect([tokens[0]?.token, tokens[1]?.token, calls]).toEqual(["own", "own", 3]);
    own.forget("own");
    await own.getToken(scope);
    expect(calls).toBe(4);
    own.close();
  });
});
