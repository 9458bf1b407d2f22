import { EventEmitter } from "node:events";
import type { Random } from "@holdfast/core";
import { officialPackage, type AuthenticationProvider } from "./official.ts";

/** How long tokens are made to last, in seconds, as in the official `tokenRenewal` option. */
export interface TokenRenewal {
  readonly tokenValidTimeInSeconds: number;
  readonly tokenRenewalMarginInSeconds: number;
}

/** Which device this is. */
export interface Identity {
  readonly host: string;
  readonly deviceId: string;
  readonly moduleId: string | undefined;
  /** The gateway that stands for the hub, when there is one. */
  readonly gateway?: string | undefined;
}

/** A provider that one transport has for itself. */
export type Provider = AuthenticationProvider & EventEmitter & { stop?(): void };

/**
 * Where the credentials of each new transport come from. A transport stops its provider when it disconnects, so two that
 * follow each other must not share one: the older would end the newer's token renewal.
 */
export interface Credentials {
  /** A provider for one transport. */
  make(): Provider;
  /** Known at once, except for a user's own provider. */
  readonly identity: Identity | Promise<Identity>;
  /** The official `updateSharedAccessSignature`. */
  update(sharedAccessSignature: string): void;
  /** Whether the official `tokenRenewal` applies. */
  readonly renewal: "key" | "none";
}

/** From a connection string, as the official `fromConnectionString` reads it. */
export function fromConnectionString(connectionString: string): Credentials {
  const field = (name: string): string | undefined =>
    new RegExp(String.raw`(?:^|;)\s*${name}=([^;]*)`, "i").exec(connectionString)?.[1];
  const identity = {
    host: (field("HostName") ?? "").toLowerCase(),
    deviceId: field("DeviceId") ?? "",
    moduleId: field("ModuleId"),
    gateway: field("GatewayHostName")?.toLowerCase(),
  };
  const signature = field("SharedAccessSignature");
  if (field("SharedAccessKey") !== undefined) {
    const make = (): Provider =>
      officialPackage.SharedAccessKeyAuthenticationProvider.fromConnectionString(connectionString);
    make(); // Throws what the official factory throws, now and not at the first connection.
    return { make, identity, update: () => undefined, renewal: "key" };
  }
  if (signature !== undefined) return fromSharedAccessSignature(signature);
  const { host, deviceId } = { host: field("HostName") ?? "", deviceId: identity.deviceId };
  // The official one has no tokens to tell of, and is no emitter: a view of it is.
  const make = (): Provider =>
    new ProviderView(new officialPackage.X509AuthenticationProvider({ host, deviceId }));
  return { make, identity, update: () => undefined, renewal: "none" };
}

/** From a shared access signature, which its owner renews by `updateSharedAccessSignature`. */
export function fromSharedAccessSignature(sharedAccessSignature: string): Credentials {
  const { SharedAccessSignatureAuthenticationProvider: Official } = officialPackage;
  let current = sharedAccessSignature;
  const make = (): Provider => Official.fromSharedAccessSignature(current);
  make();
  const resource = decodeURIComponent(/\bsr=([^&]+)/.exec(sharedAccessSignature)?.[1] ?? "");
  const [host = "", , deviceId = "", , moduleId] = resource.split("/");
  return {
    make,
    identity: { host: host.toLowerCase(), deviceId, moduleId },
    update: (renewed) => {
      current = renewed;
    },
    renewal: "none",
  };
}

/** From a provider that the user made: it cannot be copied, so each transport gets a view of it that can be taken away. */
export function fromProvider(provider: AuthenticationProvider): Credentials {
  let identity: Promise<Identity> | undefined;
  return {
    make: () => new ProviderView(provider),
    get identity() {
      identity ??= Promise.resolve(provider.getDeviceCredentials()).then(({ host, deviceId, moduleId }) => ({
        host: host.toLowerCase(),
        deviceId,
        moduleId,
      }));
      return identity;
    },
    update: (renewed) => {
      (provider as Partial<Renewable>).updateSharedAccessSignature?.(renewed);
    },
    renewal: typeof provider.setTokenRenewalValues === "function" ? "key" : "none",
  };
}

/** What some providers have in addition. */
interface Renewable {
  updateSharedAccessSignature(sharedAccessSignature: string): void;
  setX509Options(options: object): void;
}

/** Gives a provider the device's certificate, when there is one and it takes it: as the official transports do with theirs. */
export function setCertificate(
  provider: AuthenticationProvider | undefined,
  options: { readonly cert?: unknown },
): void {
  if (options.cert === undefined) return;
  (provider as Partial<Renewable> | undefined)?.setX509Options?.(options);
}

/** One transport's view of a provider: `stop()` ends the view, and the provider goes on for the next. */
class ProviderView extends EventEmitter implements AuthenticationProvider {
  readonly type: AuthenticationProvider["type"];
  readonly setTokenRenewalValues?: NonNullable<AuthenticationProvider["setTokenRenewalValues"]>;
  readonly setX509Options?: Renewable["setX509Options"];
  readonly #provider: AuthenticationProvider & Partial<EventEmitter>;
  readonly #forward = (credentials: unknown): void => {
    this.emit("newTokenAvailable", credentials);
  };

  constructor(provider: AuthenticationProvider) {
    super();
    this.#provider = provider;
    this.type = provider.type;
    // Present only where the provider has them: the transports ask.
    const given = provider as AuthenticationProvider & Partial<Renewable>;
    if (given.setTokenRenewalValues !== undefined) {
      this.setTokenRenewalValues = (valid, margin) => given.setTokenRenewalValues?.(valid, margin);
    }
    if (given.setX509Options !== undefined) {
      this.setX509Options = (options) => given.setX509Options?.(options);
    }
    this.#provider.on?.("newTokenAvailable", this.#forward);
  }

  getDeviceCredentials: AuthenticationProvider["getDeviceCredentials"] = ((callback: never) =>
    this.#provider.getDeviceCredentials(callback)) as AuthenticationProvider["getDeviceCredentials"];

  updateSharedAccessSignature(sharedAccessSignature: string): void {
    (this.#provider as Partial<Renewable>).updateSharedAccessSignature?.(sharedAccessSignature);
  }

  stop(): void {
    this.#provider.off?.("newTokenAvailable", this.#forward);
  }
}

const officialRenewal: TokenRenewal = { tokenValidTimeInSeconds: 3_600, tokenRenewalMarginInSeconds: 900 };

/** The renewal's moment moved up to `jitter` of its time earlier: devices that started together do not renew together. */
export function spreadRenewal(
  renewal: TokenRenewal | undefined,
  jitter: number,
  random: Random,
): TokenRenewal {
  const { tokenValidTimeInSeconds: valid, tokenRenewalMarginInSeconds: margin } = renewal ?? officialRenewal;
  const usable = valid - margin;
  const used = usable * (1 - jitter * random());
  return { tokenValidTimeInSeconds: valid, tokenRenewalMarginInSeconds: valid - used };
}
