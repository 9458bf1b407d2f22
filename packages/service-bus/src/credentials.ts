import { parseServiceBusConnectionString, type ServiceBusClient } from "@azure/service-bus";
import {
  badOption,
  failureOf,
  faultTable,
  HoldfastError,
  systemFaults,
  TokenSource,
  type Classify,
  type FaultRow,
  type TokenRequestLike,
} from "@holdfast/core";
import { checkConnectionString } from "./connection-string.ts";
import type { Resilience } from "./resilience.ts";

/** TokenCredential, NamedKeyCredential or SASCredential: what the official constructor takes. */
export type Credential = ConstructorParameters<typeof ServiceBusClient>[1];

type TokenCredential = Extract<Credential, { getToken: unknown }>;

/** What the first arguments of an official constructor are. */
export interface Access {
  /** A connection string, or the namespace's host when there is a credential. */
  readonly host: string;
  readonly credential: Credential | undefined;
}

// What the official client makes of a key is good for an hour and renewed after 45 minutes.
const keyTokenMs = 2_700_000;

// The official client asks again two minutes before the end it is told, at once when that has passed, and so on without a
// pause. Told this at least, it asks six times a minute at most.
const leastToldMs = 130_000;

const scope = "https://servicebus.azure.net//.default";

/** Whose errors come from a credential, and not from the service. */
const operation = "serviceBus.getToken";

// Without @holdfast/identity, whose table knows more: all codes of Entra but the passing ones are its last word.
const credentialFaults: readonly FaultRow[] = [
  {
    id: "issuer-refused",
    kind: "auth",
    match: { text: /\bAADSTS(?!(?:50000|900(?:06|12|24|33|55|90|91))\b)\d{5,}/ },
    because: "the issuer of access tokens refused the credential",
    remedy: "look the AADSTS code up; repeating cannot help",
    see: "https://learn.microsoft.com/entra/identity-platform/reference-error-codes",
  },
  {
    // An endpoint of a managed identity that cannot be reached may be there in a moment.
    id: "credential-unavailable",
    kind: "auth",
    match: {
      name: "CredentialUnavailableError",
      text: /^(?![^]*(?:Network unreachable|IMDS endpoint, but it is not available))/,
    },
    because: "this credential is not set up here",
    remedy:
      "read the message: an environment variable, a command line tool or an assigned identity is missing",
    see: "https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/identity/identity/TROUBLESHOOTING.md",
  },
  ...systemFaults,
];

/** As the official client tells credentials from options. */
export function isCredential(value: unknown): value is Credential {
  if (typeof value !== "object" || value === null) return false;
  return "getToken" in value || ("key" in value && "name" in value) || "signature" in value;
}

/**
 * What the connections of one client identify themselves with. Tokens come from one source for all of them: repeated, asked
 * for once, renewed early, served while the renewal fails, so that the official client never sees an issuer's bad moment.
 */
export class Credentials {
  readonly #resilience: Resilience;
  #access: Access;
  /** The newest there was. */
  #tokens: TokenSource | undefined;

  constructor(access: Access, resilience: Resilience) {
    this.#resilience = resilience;
    this.#access = access;
    this.#tokens = tokenSourceOf(access.credential, this.#resilience);
  }

  /** What it was made with, or updated to. */
  get current(): Access {
    return this.#access;
  }

  /**
   * For the official constructor.
   *
   * @param handed - hears for how long what the connection identifies itself with is good, in milliseconds.
   */
  access(handed: (validForMs: number) => void): Access {
    const { host, credential } = this.#access;
    if (!isTokenCredential(credential)) {
      if (renewsItself(this.#access)) handed(keyTokenMs);
      return this.#access;
    }
    const { clock } = this.#resilience;
    const getToken = async (scopes: string | string[], options?: TokenRequestLike) => {
      // Of the newest source: a link that is kept over an update goes on with what is new.
      const token = (await this.#tokens?.getToken(scopes, options)) ?? null;
      if (token === null) return null;
      const { expiresOnTimestamp } = token;
      handed(expiresOnTimestamp - clock.wallNow());
      return { ...token, expiresOnTimestamp: Math.max(expiresOnTimestamp, clock.wallNow() + leastToldMs) };
    };
    return { host, credential: { getToken } as Credential };
  }

  /** Fetches a newer token, if there are tokens; resolves with how long it is good, in milliseconds. */
  async renew(): Promise<number> {
    if (this.#tokens === undefined || !isTokenCredential(this.#access.credential)) return Infinity;
    const token = await this.#tokens.renew(scope);
    return token === null ? 0 : token.expiresOnTimestamp - this.#resilience.clock.wallNow();
  }

  /**
   * From now on, for new connections.
   *
   * @throws HoldfastError `misconfigured` for a connection string that is of another namespace, or cannot be used.
   */
  update(given: string | Credential): void {
    const access = typeof given === "string" ? sameNamespace(given, this.#access) : this.#with(given);
    const tokens = tokenSourceOf(access.credential, this.#resilience);
    this.#access = access;
    // After an update to a key, the links that are kept have no other.
    if (tokens === undefined) return;
    this.#tokens?.close();
    this.#tokens = tokens;
  }

  /** A credential in place of whatever it was before. */
  #with(credential: Credential): Access {
    if (!isCredential(credential))
      throw badOption("updateCredential", credential, "a connection string or a credential");
    return { host: namespaceOf(this.#access), credential };
  }

  close(): void {
    this.#tokens?.close();
  }
}

/** A source of tokens over a TokenCredential; undefined for keys and signatures, which need none. */
export function tokenSourceOf(
  credential: Credential | undefined,
  resilience: Resilience,
): TokenSource | undefined {
  if (!isTokenCredential(credential)) return undefined;
  const { clock, random, onEvent, policy } = resilience;
  // A credential of @holdfast/identity repeats by itself, and knows its errors.
  const repeats = Symbol.for("holdfast/1/once") in credential;
  const once = { attempts: 1, deadlineMs: Infinity, attemptTimeoutMs: Infinity };
  return new TokenSource({
    getToken: (scopes, options) => credential.getToken(scopes, options as never),
    ...{ operation, clock, random, onEvent },
    policy: () => (repeats ? policy(operation).with(once) : policy(operation)),
    classify: faultTable("credential", credentialFaults),
  });
}

/**
 * Tells the errors of a credential from the service's. One that may pass is an outage: sends wait for the connection, as
 * they do when the service is away; one that the credential itself calls final stays what it is.
 */
export function withCredentialFaults(classify: Classify): Classify {
  return (error, wallNowMs) => {
    const failure = failureOf(error);
    if (failure === undefined || !["credential", "identity"].includes(failure.service))
      return classify(error, wallNowMs);
    const { because, remedy, see, id, code, service } = failure;
    const passes = failure.kind !== "client-bug" && failure.kind !== "auth" && failure.kind !== "cancelled";
    const known = { because, remedy, see, id, code, service, missingClaim: undefined, trackingId: undefined };
    return { ...known, kind: passes ? "disconnected" : failure.kind, sent: "no", hintMs: undefined };
  };
}

function isTokenCredential(credential: Credential | undefined): credential is TokenCredential {
  return credential !== undefined && "getToken" in credential && !("isSasTokenProvider" in credential);
}

function sameNamespace(connectionString: string, former: Access): Access {
  checkConnectionString(connectionString);
  const access: Access = { host: connectionString, credential: undefined };
  const [ours, theirs] = [namespaceOf(former), namespaceOf(access)].map((host) =>
    host.replace(/:\d+$/, "").toLowerCase(),
  );
  if (ours !== theirs) {
    const text = `updateCredential: the connection string is of ${String(theirs)}, the client of ${String(ours)}.`;
    throw new HoldfastError("misconfigured", text);
  }
  return access;
}

/** As the constructor was given it: with a custom endpoint the official client calls that its namespace. */
function namespaceOf({ host, credential }: Access): string {
  return credential === undefined ? parseServiceBusConnectionString(host).fullyQualifiedNamespace : host;
}

/** Whether it is a key, of which new signatures can be made; a signature alone is good until its end. */
function renewsItself({ host, credential }: Access): boolean {
  if (credential === undefined) return /(?:^|;)\s*SharedAccessKey\s*=/i.test(host);
  return "key" in credential;
}
