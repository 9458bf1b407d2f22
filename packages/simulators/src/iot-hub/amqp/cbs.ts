import type { ReceiverLink, SenderLink } from "../../service-bus/amqp-engine.ts";
import { codec } from "../../service-bus/amqp-types.ts";
import { admitDevice, admitService } from "../authenticate.ts";
import { hubErrors, type HubError } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { identityKey } from "../identity.ts";
import { performStep } from "../step.ts";
import type { AmqpConnection } from "./connection.ts";
import { receiveOn, type Incoming } from "./incoming.ts";
import type { HubLink } from "./link.ts";
import { encodeMessage } from "./message.ts";
import { OutgoingLink } from "./outgoing.ts";

const replies = new WeakMap<AmqpConnection, OutgoingLink>();

/** The half of the token node on which answers go back. */
export function attachTokenReplies(link: HubLink, sender: SenderLink): void {
  const { connection } = link;
  const outgoing = new OutgoingLink(link, sender);
  replies.set(connection, outgoing);
  link.whenEnded(() => {
    if (replies.get(connection) === outgoing) replies.delete(connection);
  });
}

/** The half of the token node on which tokens arrive. */
export function attachTokenRequests(link: HubLink, receiver: ReceiverLink): void {
  receiveOn(link, receiver, (incoming) => {
    incoming.accept();
    putToken(link.connection, incoming);
  });
}

/** `host/devices/d[/modules/m]`, or the host alone for a service. */
function audienceOf(name: string): { deviceId?: string; moduleId?: string } {
  const [, ...path] = decodeURIComponent(name).replace(/\/$/, "").split("/");
  const match = /^devices\/([^/]+)(?:\/modules\/([^/]+))?$/i.exec(path.join("/"));
  if (match?.[1] === undefined) return {};
  return match[2] === undefined ? { deviceId: match[1] } : { deviceId: match[1], moduleId: match[2] };
}

function putToken(connection: AmqpConnection, incoming: Incoming): void {
  const { hub } = connection;
  const { properties, body, rawMessageId } = incoming.message;
  const { deviceId, moduleId } = audienceOf(properties["name"] ?? "");
  const key = deviceId === undefined ? "" : identityKey(deviceId, moduleId);
  const device = key === "" ? undefined : key;
  const answer = (status: number, description: string): void => {
    const payload = encodeMessage({
      correlationId: rawMessageId,
      properties: { "status-code": codec.wrap_int(status), "status-description": description },
    });
    replies.get(connection)?.send(payload);
  };
  performStep(hub, hub.fault("cbs", device), {
    act: () => {
      if (properties["operation"] !== "put-token") {
        throw new HubFailure(
          hubErrors.argument,
          `The operation '${properties["operation"] ?? ""}' is not supported.`,
        );
      }
      const credentials = {
        token: body.toString("utf8"),
        connection: connection.id,
        protocol: connection.protocol,
      };
      const expiresAt =
        deviceId === undefined
          ? admitService(hub, credentials, "ServiceConnect")
          : admitDevice(hub, deviceId, moduleId, credentials).expiresAt;
      connection.grants.set(key, expiresAt);
      if (device !== undefined) {
        connection.entry.device ??= device;
        connection.entry.tokenExpiresAt = expiresAt;
      }
      connection.after(expiresAt + hub.settings.tokenGraceMs - hub.clock.wallNow(), () => {
        // A renewed token has moved the end.
        if ((connection.grants.get(key) ?? 0) > expiresAt) return;
        const { condition, message: description } = hubErrors.unauthorized;
        if (device === undefined) connection.close({ condition, description }, hubErrors.unauthorized.name);
        else connection.devices.get(device)?.close(hubErrors.unauthorized);
      });
    },
    answer: () => {
      answer(200, "OK");
    },
    refuse: (error: HubError) => {
      hub.refused("cbs", error, {
        connection: connection.id,
        protocol: connection.protocol,
        ...(device === undefined ? {} : { device }),
      });
      answer(error.status, error.message);
    },
    suffer: (fault) => {
      connection.suffer(fault);
    },
  });
}
