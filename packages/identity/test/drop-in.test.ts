import * as official from "@azure/identity";
import { describe, expect, expectTypeOf, it } from "vitest";
import * as ours from "@holdfast/identity";

/** Those that are ours: the others would ask a person again at every attempt. */
const held = [
  "AzureCliCredential",
  "AzureDeveloperCliCredential",
  "AzurePipelinesCredential",
  "AzurePowerShellCredential",
  "ChainedTokenCredential",
  "ClientAssertionCredential",
  "ClientCertificateCredential",
  "ClientSecretCredential",
  "DefaultAzureCredential",
  "EnvironmentCredential",
  "ManagedIdentityCredential",
  "OnBehalfOfCredential",
  "WorkloadIdentityCredential",
] as const;

describe("the package", () => {
  it("exports every run-time value of the official package, and the same one but for what is ours", () => {
    for (const [name, value] of Object.entries(official)) {
      expect(ours).toHaveProperty(name);
      if (name === "default" || name === "getDefaultAzureCredential") continue;
      const isOurs = (held as readonly string[]).includes(name);
      expect(ours[name as keyof typeof ours] === value, name).toBe(!isOurs);
      if (isOurs) expect(Object.getPrototypeOf(ours[name as keyof typeof ours]), name).toBe(value);
    }
  });

  it("goes wherever the official types are asked for", () => {
    expectTypeOf<typeof ours.ClientSecretCredential>().toExtend<typeof official.ClientSecretCredential>();
    expectTypeOf<typeof ours.ClientCertificateCredential>().toExtend<
      typeof official.ClientCertificateCredential
    >();
    expectTypeOf<typeof ours.ManagedIdentityCredential>().toExtend<
      typeof official.ManagedIdentityCredential
    >();
    expectTypeOf<typeof ours.DefaultAzureCredential>().toExtend<typeof official.DefaultAzureCredential>();
    expectTypeOf<typeof ours.ChainedTokenCredential>().toExtend<typeof official.ChainedTokenCredential>();
    expectTypeOf<typeof ours.OnBehalfOfCredential>().toExtend<typeof official.OnBehalfOfCredential>();
    expectTypeOf<typeof ours.AzurePipelinesCredential>().toExtend<typeof official.AzurePipelinesCredential>();
  });
});

describe("the constructors", () => {
  const forms: readonly [string, () => official.TokenCredential, unknown][] = [
    [
      "a client secret",
      () => new ours.ClientSecretCredential("t", "c", "s"),
      official.ClientSecretCredential,
    ],
    [
      "a certificate's path",
      () => new ours.ClientCertificateCredential("t", "c", "/certificate.pem"),
      official.ClientCertificateCredential,
    ],
    [
      "an assertion",
      () => new ours.ClientAssertionCredential("t", "c", () => Promise.resolve("a")),
      official.ClientAssertionCredential,
    ],
    [
      "on behalf of",
      () =>
        new ours.OnBehalfOfCredential({
          ...{ tenantId: "t", clientId: "c", clientSecret: "s", userAssertionToken: "u" },
        }),
      official.OnBehalfOfCredential,
    ],
    ["a managed identity", () => new ours.ManagedIdentityCredential(), official.ManagedIdentityCredential],
    [
      "a managed identity by id",
      () => new ours.ManagedIdentityCredential("id"),
      official.ManagedIdentityCredential,
    ],
    [
      "a managed identity by resource",
      () => new ours.ManagedIdentityCredential({ resourceId: "/subscriptions/s" }),
      official.ManagedIdentityCredential,
    ],
    ["the default", () => new ours.DefaultAzureCredential(), official.DefaultAzureCredential],
    ["the default by name", () => ours.getDefaultAzureCredential(), ours.DefaultAzureCredential],
    ["the environment", () => new ours.EnvironmentCredential(), official.EnvironmentCredential],
    ["a chain", () => new ours.ChainedTokenCredential(), official.ChainedTokenCredential],
    ["the command line", () => new ours.AzureCliCredential(), official.AzureCliCredential],
  ];

  it.each(forms)("take %s as the official ones do", (_, make, Official) => {
    expect(make()).toBeInstanceOf(Official);
  });

  it("say which resilience option is wrong", () => {
    const make = (resilience: object) => () => new ours.ClientSecretCredential("t", "c", "s", { resilience });
    expect(make({ patience: 1 })).toThrow(/resilience must be made of policies,.*got "patience"/);
    expect(make({ patienceMs: -1 })).toThrow(/token\.patienceMs must be a finite number/);
  });

  it("leave the caller's options as they were", () => {
    const options = Object.freeze({ retryOptions: Object.freeze({ maxRetries: 2 }), resilience: {} });
    expect(() => new ours.ManagedIdentityCredential(options)).not.toThrow();
    expect(() => new ours.ClientSecretCredential("t", "c", "s", options)).not.toThrow();
  });
});

describe("the official retryOptions", () => {
  it("become policy", () => {
    const policy = ours.identityPolicies().for("identity.getToken").policy;
    expect(policy).toMatchObject({ attempts: 10, deadlineMs: 90_000, attemptTimeoutMs: 30_000 });
  });
});
