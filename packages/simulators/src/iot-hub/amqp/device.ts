import type { DropKind } from "../../faults/socket-faults.ts";
import { hubErrors, type HubError } from "../hub-error.ts";
import type { Identity } from "../identity.ts";
import type { HubProtocol } from "../journal-entries.ts";
import type { DeviceConnection, MethodCall } from "../presence.ts";
import type { JsonObject } from "../twin.ts";
import type { AmqpConnection } from "./connection.ts";
import type { HubLink, LinkKind } from "./link.ts";
import { sendMethodCall } from "./methods.ts";
import type { OutgoingLink } from "./outgoing.ts";
import { pushDesired } from "./twin.ts";

/** What a device asks for with `AzIoTHub_FaultOperationType`, and the links that it concerns. */
const linkFaults: Readonly<Record<string, LinkKind>> = {
  KillAmqpCBSLinkReq: "cbs-request",
  KillAmqpCBSLinkResp: "cbs-response",
  KillAmqpD2CLink: "telemetry",
  KillAmqpC2DLink: "commands",
  KillAmqpTwinLinkReq: "twin-request",
  KillAmqpTwinLinkResp: "twin-response",
  KillAmqpMethodReqLink: "method-request",
  KillAmqpMethodRespLink: "method-response",
};

/** A device or module on an AMQP connection, which may carry more than one. */
export class AmqpDevice implements DeviceConnection {
  readonly connection: AmqpConnection;
  readonly identity: Identity;
  methodLink: OutgoingLink | undefined;
  twinLink: OutgoingLink | undefined;
  #takesDesired = false;

  constructor(connection: AmqpConnection, identity: Identity) {
    this.connection = connection;
    this.identity = identity;
  }

  get id(): number {
    return this.connection.id;
  }

  get protocol(): HubProtocol {
    return this.connection.protocol;
  }

  get takesMethods(): boolean {
    return this.methodLink !== undefined;
  }

  get takesDesired(): boolean {
    return this.#takesDesired && this.twinLink !== undefined;
  }

  set takesDesired(value: boolean) {
    this.#takesDesired = value;
  }

  sendMethod(call: MethodCall): void {
    sendMethodCall(this, call);
  }

  pushDesired(patch: JsonObject): void {
    pushDesired(this, patch);
  }

  close(error: HubError): void {
    const { connection, identity } = this;
    connection.hub.writeLog("Connections", "deviceDisconnect", identity.key, error);
    const amqpError = { condition: error.condition, description: error.message };
    for (const link of this.links) link.detach(amqpError);
    this.left();
    // A connection of its own goes with the device.
    if (connection.devices.size === 0) connection.close(amqpError, error.name);
  }

  drop(how: DropKind, because: string): void {
    this.connection.drop(how, because);
  }

  inject(operation: string, reason: string): boolean {
    const { connection } = this;
    const description = reason === "" ? operation : reason;
    const forced = { condition: "amqp:connection:forced", description };
    const kind = Object.hasOwn(linkFaults, operation) ? linkFaults[operation] : undefined;
    if (kind !== undefined) {
      const detached = { condition: "amqp:link:detach-forced", description };
      for (const link of [...connection.links]) if (link.kind === kind) link.detach(detached);
      return true;
    }
    switch (operation) {
      case "KillTcp":
        connection.drop("reset", description);
        return true;
      case "KillAmqpConnection":
        connection.close(forced, description);
        return true;
      case "KillAmqpSession":
        connection.endSessions({ ...forced, condition: hubErrors.internalError.condition });
        return true;
      case "ShutDownAmqp":
        connection.close(undefined, description);
        return true;
      default:
        return false;
    }
  }

  get links(): HubLink[] {
    return [...this.connection.links].filter((link) => link.device === this);
  }

  /** A link of the device has ended; with the last one the device is gone. */
  linkEnded(link: HubLink): void {
    if (link.kind === "method-request") this.methodLink = undefined;
    if (link.kind === "twin-response") {
      this.twinLink = undefined;
      this.#takesDesired = false;
    }
    if (this.links.length === 0) this.left();
  }

  /** The device is not on this connection any more. */
  left(): void {
    if (!this.connection.devices.delete(this.identity.key)) return;
    this.identity.connectionStateChangedAt = this.connection.hub.clock.wallNow();
    this.connection.hub.presence.leave(this);
  }
}
