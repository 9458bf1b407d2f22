import { createHash, randomBytes } from "node:crypto";
import type { CommandQueue } from "./command-queue.ts";
import type { HubError } from "./hub-error.ts";
import type { IdentityOptions } from "./options.ts";
import { TwinDocument } from "./twin.ts";

/** How a device or module proves who it is. */
export type Authentication =
  | { readonly type: "sas"; readonly primaryKey: string; readonly secondaryKey: string }
  | { readonly type: "selfSigned"; readonly primaryThumbprint: string; readonly secondaryThumbprint: string };

/** `device` or `device/module`: what identities are known by. */
export function identityKey(deviceId: string, moduleId?: string): string {
  return moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`;
}

/** A key that is the same in every run, so that connection strings can be written down. */
function derivedKey(key: string, which: string): string {
  return createHash("sha256").update(`simulated key of ${key}, ${which}`).digest("base64");
}

/** The keys or thumbprints that the options give, the rest derived. */
export function authenticationOf(key: string, options: Omit<IdentityOptions, "deviceId">): Authentication {
  const { primaryThumbprint, secondaryThumbprint } = options;
  if (primaryThumbprint !== undefined || secondaryThumbprint !== undefined) {
    return {
      type: "selfSigned",
      primaryThumbprint: primaryThumbprint ?? "",
      secondaryThumbprint: secondaryThumbprint ?? "",
    };
  }
  return {
    type: "sas",
    primaryKey: options.primaryKey ?? derivedKey(key, "primary"),
    secondaryKey: options.secondaryKey ?? derivedKey(key, "secondary"),
  };
}

/** A registered device or module. */
export class Identity {
  readonly deviceId: string;
  readonly moduleId: string | undefined;
  /** Messages to the device; modules have none. */
  readonly queue: CommandQueue | undefined;
  readonly twin = new TwinDocument();
  readonly generationId = String(BigInt(`0x${randomBytes(7).toString("hex")}`)).slice(0, 18);
  authentication: Authentication;
  status: "enabled" | "disabled" = "enabled";
  statusReason: string | undefined;
  etag = randomBytes(6).toString("base64");
  isEdge = false;
  modelId = "";
  /** Milliseconds since the Unix epoch; 0 for never. */
  lastActivityAt = 0;
  connectionStateChangedAt = 0;
  #sendFault: { readonly error: HubError; readonly until: number } | undefined;
  #connectFault: { readonly operation: string; readonly until: number } | undefined;

  constructor(
    deviceId: string,
    moduleId: string | undefined,
    authentication: Authentication,
    makeQueue: (identity: Identity) => CommandQueue,
  ) {
    this.deviceId = deviceId;
    this.moduleId = moduleId;
    this.authentication = authentication;
    this.queue = moduleId === undefined ? makeQueue(this) : undefined;
  }

  /** See {@link identityKey}. */
  get key(): string {
    return identityKey(this.deviceId, this.moduleId);
  }

  /** The device's messages meet this error until then (monotonic milliseconds). */
  failSends(error: HubError, until: number): void {
    this.#sendFault = { error, until };
  }

  /** The error that the device's messages meet now. */
  activeFault(now: number): HubError | undefined {
    return this.#sendFault !== undefined && now < this.#sendFault.until ? this.#sendFault.error : undefined;
  }

  /** New connections of the device meet this injected fault until then (monotonic milliseconds). */
  shutOut(operation: string, until: number): void {
    this.#connectFault = { operation, until };
  }

  /** The injected fault that new connections of the device meet now. */
  activeShutOut(now: number): string | undefined {
    return this.#connectFault !== undefined && now < this.#connectFault.until
      ? this.#connectFault.operation
      : undefined;
  }

  /** A change of the identity gives it a new etag. */
  touch(): void {
    this.etag = randomBytes(6).toString("base64");
  }
}
