import type { Hub } from "./hub.ts";
import { hubErrors, type HubError } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";
import { identityKey, type Identity } from "./identity.ts";
import type { HubProtocol } from "./journal-entries.ts";
import type { HubRight } from "./options.ts";
import { isSignedWith, parseSasToken, type SasToken } from "./sas-token.ts";

/** What a client shows to prove who it is. */
export interface Credentials {
  readonly token?: string | undefined;
  /** Fingerprints of the TLS client certificate, lower case and without colons. */
  readonly thumbprints?: readonly string[];
  readonly connection?: number | undefined;
  readonly protocol: HubProtocol;
}

/** A client that was let in. */
export interface Admitted {
  readonly identity: Identity;
  /** Milliseconds since the Unix epoch; Infinity for a certificate. */
  readonly expiresAt: number;
}

// Clients of the built-in endpoint are of Event Hubs, and ask for its resources: `sb://host/event-hub/…`.
const EVENT_HUB = /^(?:sb|amqps?):\/\//i;
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

function isOurHost(hub: Hub, host: string): boolean {
  const name = host.toLowerCase();
  return name === hub.settings.hostName.toLowerCase() || LOCAL.test(name);
}

/** The path behind the host of a token's resource; undefined when the host is not ours. */
function resourcePath(hub: Hub, resource: string): string | undefined {
  const [host = "", ...path] = resource.replace(EVENT_HUB, "").split("/");
  return isOurHost(hub, host) ? path.map(decodeURIComponent).join("/") : undefined;
}

const covers = (path: string, wanted: string): boolean =>
  path === "" || path === wanted || wanted.startsWith(`${path}/`);

function isSignedByPolicy(hub: Hub, token: SasToken, right: HubRight): boolean {
  const policy = hub.settings.policies.find(({ name }) => name === token.keyName);
  return policy?.rights.includes(right) === true && isSignedWith(token, policy.key);
}

function checkToken(hub: Hub, text: string, identity: Identity): SasToken | string {
  const token = parseSasToken(text);
  if (token === undefined) return "The token is malformed.";
  const { deviceId, moduleId, authentication } = identity;
  const wanted = moduleId === undefined ? `devices/${deviceId}` : `devices/${deviceId}/modules/${moduleId}`;
  const path = resourcePath(hub, token.resource);
  if (path === undefined || !covers(path, wanted)) {
    return `The token is for '${token.resource}', not for '${wanted}'.`;
  }
  const signed =
    token.keyName === undefined
      ? authentication.type === "sas" &&
        path === wanted &&
        (isSignedWith(token, authentication.primaryKey) || isSignedWith(token, authentication.secondaryKey))
      : isSignedByPolicy(hub, token, "DeviceConnect");
  if (!signed) return "The signature of the token is wrong.";
  if (token.expiresAt <= hub.clock.wallNow()) {
    return `The token has expired at ${new Date(token.expiresAt).toISOString()}.`;
  }
  return token;
}

/**
 * Lets a device or module in, by token or certificate.
 * @throws HubFailure 401002 with the reason, or 404001 when there is no such device
 */
export function admitDevice(
  hub: Hub,
  deviceId: string,
  moduleId: string | undefined,
  credentials: Credentials,
): Admitted {
  const key = identityKey(deviceId, moduleId);
  const journal = (status: number, description: string, keyName?: string): void => {
    hub.ledgers.tokens.add({
      at: hub.clock.now(),
      connection: credentials.connection,
      protocol: credentials.protocol,
      audience: key,
      status,
      description,
      ...(keyName === undefined ? {} : { keyName }),
    });
  };
  const fail = (error: HubError, description: string): never => {
    journal(error.status, description);
    hub.writeLog("Connections", "deviceConnect", key, error);
    throw new HubFailure(error, description);
  };
  const identity = hub.identities.get(key);
  if (identity === undefined) {
    const missing = moduleId === undefined ? hubErrors.deviceNotFound : hubErrors.moduleNotFound;
    return fail(missing, `Device ${key} not registered`);
  }
  if (hub.identities.get(deviceId)?.status === "disabled" || identity.status === "disabled") {
    return fail(hubErrors.authenticationFailed, `Device ${key} is disabled.`);
  }
  const { authentication } = identity;
  if (credentials.token !== undefined && credentials.token !== "") {
    const token = checkToken(hub, credentials.token, identity);
    if (typeof token === "string") return fail(hubErrors.authenticationFailed, token);
    journal(200, "OK", token.keyName);
    return { identity, expiresAt: token.expiresAt };
  }
  const { thumbprints = [] } = credentials;
  if (authentication.type === "selfSigned" && thumbprints.length > 0) {
    const known = [authentication.primaryThumbprint, authentication.secondaryThumbprint];
    const matches = known.some(
      (one) => one !== "" && thumbprints.includes(one.toLowerCase().replaceAll(":", "")),
    );
    if (!matches)
      return fail(hubErrors.authenticationFailed, "The thumbprint of the certificate does not match.");
    journal(200, "OK");
    return { identity, expiresAt: Infinity };
  }
  return fail(hubErrors.authenticationFailed, "Authorization header missing");
}

/**
 * Lets a service in, by the token of a policy.
 * @param right - what it needs; without one, any policy of the hub will do
 * @returns when the token expires, in milliseconds since the Unix epoch
 * @throws HubFailure 401003
 */
export function admitService(hub: Hub, credentials: Credentials, right?: HubRight): number {
  const token = parseSasToken(credentials.token ?? "");
  const policy = hub.settings.policies.find(({ name }) => name === token?.keyName);
  const reason = ((): string | undefined => {
    if (token === undefined) return "Authorization header missing";
    const path = resourcePath(hub, token.resource);
    if (path === undefined) return `The token is for '${token.resource}'.`;
    const encoding = EVENT_HUB.test(token.resource) ? "utf8" : "base64";
    if (policy === undefined || !isSignedWith(token, policy.key, encoding))
      return "The signature of the token is wrong.";
    if (token.expiresAt <= hub.clock.wallNow()) return "The token has expired.";
    if (right !== undefined && !policy.rights.includes(right)) return `The policy lacks the right ${right}.`;
    return undefined;
  })();
  hub.ledgers.tokens.add({
    at: hub.clock.now(),
    connection: credentials.connection,
    protocol: credentials.protocol,
    audience: token?.resource ?? "",
    status: reason === undefined ? 200 : 401,
    description: reason ?? "OK",
    ...(token?.keyName === undefined ? {} : { keyName: token.keyName }),
  });
  if (reason !== undefined || token === undefined) throw new HubFailure(hubErrors.unauthorized, reason);
  return token.expiresAt;
}
