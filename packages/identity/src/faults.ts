import { faultTable, systemFaults, type Classify, type FaultRow } from "@holdfast/core";

const codes = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes";
const imds =
  "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling";
const guide = "https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/identity/identity/TROUBLESHOOTING.md";

/**
 * What goes wrong when a token is fetched and what it means, specific before general. The official client keeps neither
 * status nor headers: its errors are told apart by their text, and by the status where {@link classifyIdentity} is given it.
 */
export const identityFaults: readonly FaultRow[] = [
  ...throttled({ status: 429 }, { text: /\bAADSTS90055\b|\btoo_many_requests\b/ }),
  {
    id: "clock",
    kind: "client-bug",
    match: { text: /\bAADSTS(?:700024|50013)\b/ },
    because: "the assertion is outside of its valid time range",
    remedy: "set the clock of this machine; the signed assertion says when it is valid",
    see: codes,
  },
  {
    id: "secret-expired",
    kind: "auth",
    match: { text: /\bAADSTS7000222\b/ },
    because: "the client secret has expired",
    remedy: "add a new secret to the application and deploy it; a managed identity has none to expire",
    see: codes,
  },
  {
    id: "secret-wrong",
    kind: "auth",
    match: { text: /\bAADSTS(?:7000215|7000216|700027|50012)\b/ },
    because: "the client secret or certificate is not one of the application's",
    remedy: "use the secret's value, not its id; check that the certificate is registered",
    see: codes,
  },
  {
    id: "application-unknown",
    kind: "auth",
    match: { text: /\bAADSTS(?:700016|90002|900023|7000218)\b/ },
    because: "the tenant does not know the application, or there is no such tenant",
    remedy: "check tenant id and client id",
    see: codes,
  },
  {
    id: "scope-wrong",
    kind: "auth",
    match: { text: /\bAADSTS(?:70011|1002012|500011|500014|650057)\b/ },
    because: "the resource that the token is for does not exist in the tenant, or the scope is malformed",
    remedy: "ask for <resource>/.default; check that the service is registered in the tenant",
    see: codes,
  },
  {
    id: "issuer-trouble",
    kind: "transient",
    match: {
      text: /\bAADSTS(?:50000|90006|90012|90024|90033|90090|90091)\b|\b(?:temporarily_unavailable|server_error)\b/,
    },
    because: "the issuer had an error of its own",
    remedy: "repeated; a token that is still valid serves meanwhile",
    see: codes,
  },
  {
    id: "interaction",
    kind: "auth",
    match: {
      text: /\bAADSTS(?:50058|50076|50078|50079|50158|50173|5300[0-4]|65001|700082|700084)\b|interaction_required/,
    },
    because: "the tenant wants a person to sign in or to consent",
    remedy: "sign in again, have an administrator consent, or use a credential for services",
    see: codes,
  },
  {
    id: "refused",
    kind: "auth",
    match: { text: /\bAADSTS\d{5,}\b/ },
    because: "the issuer refused the credential",
    remedy: "look the AADSTS code up; repeating cannot help",
    see: codes,
  },
  {
    id: "issuer-status",
    kind: "transient",
    match: { status: [408, 500, 502, 503, 504] },
    because: "the issuer had an error of its own",
    remedy: "repeated; a token that is still valid serves meanwhile",
    see: imds,
  },
  // MSAL answers from memory for up to a minute after a 429 or 5xx, without a word and without a request.
  {
    id: "msal-throttle",
    kind: "throttled",
    match: { name: "AuthenticationRequiredError", text: /^$/ },
    because: "the identity library itself refuses to ask again within a minute of the issuer's 429 or 5xx",
    remedy: "repeated; the drop-in credentials begin with a new instance instead",
    see: guide,
  },
  // Measured with 404 and 410: the body of an endpoint that is being updated is taken for a token without properties.
  {
    id: "imds-updating",
    kind: "disconnected",
    match: { text: /Response had no "(?:expiresOn|accessToken)" property|^No response\.$/ },
    because: "the managed identity endpoint is being updated (404 or 410), or answered without a token",
    remedy: "repeated; it says to be back within 70 seconds",
    see: imds,
  },
  {
    id: "no-credential",
    kind: "auth",
    match: { name: "AggregateAuthenticationError" },
    because: "no credential of the chain could be used",
    remedy: "read which one was to be used and what it says; set its environment variables or sign in",
    see: guide,
  },
  {
    id: "imds-unreachable",
    kind: "transient",
    match: { text: /^ManagedIdentityCredential: Network unreachable|IMDS endpoint, but it is not available/ },
    because: "the managed identity endpoint cannot be reached, or answered with an error that is no JSON",
    remedy:
      "a managed identity works on Azure only, and has to be assigned; elsewhere use another credential",
    see: imds,
  },
  {
    id: "issuer-unreachable",
    kind: "disconnected",
    match: { text: /\b(?:network_error|endpoints_resolution_error|openid_config_error)\b/ },
    because: "the issuer cannot be reached, or answered with an error that is no JSON",
    remedy: "check the way to login.microsoftonline.com; a token that is still valid serves meanwhile",
    see: guide,
  },
  {
    id: "unavailable",
    kind: "auth",
    match: { name: "CredentialUnavailableError" },
    because: "this credential is not set up here",
    remedy:
      "read the message: an environment variable, a command line tool or an assigned identity is missing",
    see: guide,
  },
  {
    id: "sign-in",
    kind: "auth",
    match: { name: ["AuthenticationRequiredError", "AuthenticationError"] },
    because: "the issuer gave no token",
    remedy: "read the message; repeating cannot help",
    see: guide,
  },
  ...systemFaults,
];

/** Rows of one meaning. */
function throttled(...matches: readonly FaultRow["match"][]): FaultRow[] {
  return matches.map((match) => ({
    id: "throttled",
    kind: "throttled",
    match,
    because: "the issuer takes no more requests for the moment",
    remedy:
      "share one credential object in the process; a managed identity endpoint takes 20 requests a second",
    see: imds,
  }));
}

/** Turns an error of the official client into a fault. Own rows, tried first, go before ours. */
export function classifyIdentity(own: readonly FaultRow[] = []): Classify {
  const classify = faultTable("identity", [...own, ...identityFaults]);
  return (error, wallNowMs) => {
    const fault = classify(error, wallNowMs);
    // What wraps says "unavailable" where what is wrapped says why.
    if (fault.id !== "unavailable" || typeof error !== "object" || error === null || !("cause" in error))
      return fault;
    const inner = classify(error.cause, wallNowMs);
    return inner.kind === "unknown" ? fault : inner;
  };
}
