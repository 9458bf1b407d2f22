import type { IConnectPacket } from "mqtt-packet";
import { admitDevice, type Admitted } from "../authenticate.ts";
import { hubErrors, type ConnackCode, type HubError } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { parseSasToken } from "../sas-token.ts";
import { performStep } from "../step.ts";
import type { MqttConnection } from "./connection.ts";
import { MqttSession } from "./session.ts";

/** A client that may come in, before it does. */
interface Guest extends Admitted {
  readonly session: MqttSession;
  readonly will: IConnectPacket["will"];
  readonly modelId: string | undefined;
  readonly sessionPresent: boolean;
}

/** `{hub}/{device}[/{module}]/?api-version=…`: the hub that a user name asks for, and whether it is well-formed. */
function isOurUserName(connection: MqttConnection, userName: string, clientId: string): boolean {
  const { hostName } = connection.hub.settings;
  const [host = "", ...rest] = userName.split("/");
  const local = /^(localhost|127\.0\.0\.1)(:\d+)?$/i.test(host);
  if (!local && host.toLowerCase() !== hostName.toLowerCase()) return false;
  const path = rest.join("/");
  return path === clientId || path.startsWith(`${clientId}/`);
}

/** The plug-and-play model that a user name names: `…/?api-version=…&model-id=dtmi:…`. */
function modelIdOf(userName: string): string | undefined {
  const parameters = new URLSearchParams(userName.slice(userName.lastIndexOf("/") + 1).replace(/^\?/, ""));
  return parameters.get("model-id") ?? undefined;
}

/** A CONNECT packet has arrived. MQTT 3.1. */
export function connect(connection: MqttConnection, packet: IConnectPacket): void {
  const { hub, entry } = connection;
  const clientId = packet.clientId;
  const token = packet.password?.toString("utf8");
  entry.device = clientId;
  entry.userName = packet.username ?? "";
  entry.cleanSession = packet.clean ?? false;
  entry.keepAliveSeconds = packet.keepalive ?? 0;
  const expiresAt = token === undefined ? undefined : parseSasToken(token)?.expiresAt;
  if (expiresAt !== undefined) entry.tokenExpiresAt = expiresAt;

  const refuseWith = (returnCode: ConnackCode): void => {
    entry.returnCode = returnCode;
    connection.send({ cmd: "connack", returnCode, sessionPresent: false });
    // MQTT 3.2.2-5: after it the connection is closed.
    setImmediate(() => {
      connection.drop("fin", `CONNACK ${String(returnCode)}`);
    });
  };
  // MQTT 3.1.2-2: neither 3.1 nor 5 is spoken here.
  if (packet.protocolVersion !== 4) {
    refuseWith(1);
    return;
  }
  const fault = hub.fault("connack", clientId);
  if (fault?.kind === "refuse-connection") {
    refuseWith(fault.returnCode);
    return;
  }
  if (fault?.kind === "forget-session") hub.sessions.delete(clientId);

  const letIn = (): Guest => {
    if (!hub.throttle.admitConnection()) throw new HubFailure(hubErrors.throttled);
    if (!isOurUserName(connection, packet.username ?? "", clientId)) {
      throw new HubFailure(
        { ...hubErrors.authenticationFailed, returnCode: 4 },
        "The user name is malformed.",
      );
    }
    const [deviceId = "", moduleId] = clientId.split("/");
    const { identity, expiresAt } = admitDevice(hub, deviceId, moduleId, {
      token,
      thumbprints: connection.thumbprints,
      connection: connection.id,
      protocol: connection.protocol,
    });
    // MQTT 3.1.2-6: a clean session begins without the former one's state and leaves none.
    const kept = packet.clean === true ? undefined : hub.sessions.get(identity.key);
    const session = kept ?? new MqttSession();
    if (packet.clean === true) hub.sessions.delete(identity.key);
    else hub.sessions.set(identity.key, session);
    const modelId = modelIdOf(packet.username ?? "");
    return {
      ...{ identity, expiresAt, session, modelId },
      will: packet.will,
      sessionPresent: kept !== undefined,
    };
  };
  performStep(hub, fault?.kind === "forget-session" ? undefined : fault, {
    act: letIn,
    answer: (guest) => {
      if (!connection.isGone) admit(connection, guest, entry.keepAliveSeconds ?? 0);
    },
    refuse: (error: HubError) => {
      hub.refused("connack", error, {
        device: clientId,
        connection: connection.id,
        protocol: connection.protocol,
      });
      refuseWith(error.returnCode);
    },
    suffer: (broken) => {
      connection.suffer(broken);
    },
  });
}

function admit(connection: MqttConnection, guest: Guest, keepAliveSeconds: number): void {
  const { hub, entry } = connection;
  const { identity, session, sessionPresent, expiresAt, will } = guest;
  const shutOut = identity.activeShutOut(hub.clock.now());
  if (shutOut !== undefined) {
    connection.drop(shutOut === "KillTcp" ? "reset" : "fin", shutOut);
    return;
  }
  entry.returnCode = 0;
  entry.sessionPresent = sessionPresent;
  if (guest.modelId !== undefined) identity.modelId = guest.modelId;
  connection.opened({ identity, session, will }, keepAliveSeconds);
  identity.connectionStateChangedAt = hub.clock.wallNow();
  identity.lastActivityAt = hub.clock.wallNow();
  // A device has one connection: the new one ends the old one (409002, over MQTT logged as 400027).
  hub.presence.arrive(connection)?.close(hubErrors.takenOver);
  hub.writeLog("Connections", "deviceConnect", identity.key);
  connection.send({ cmd: "connack", returnCode: 0, sessionPresent });
  if (expiresAt !== Infinity) {
    connection.after(expiresAt + hub.settings.tokenGraceMs - hub.clock.wallNow(), () => {
      connection.close(hubErrors.unauthorized);
    });
  }
  connection.commands.start();
}
