import type { ReceiverLink, SenderLink } from "../../service-bus/amqp-engine.ts";
import { codec } from "../../service-bus/amqp-types.ts";
import { hubErrors, type HubError } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { performStep } from "../step.ts";
import { journalTwin, readTwin, twinErrorBody, updateReported } from "../twin-operations.ts";
import type { JsonObject } from "../twin.ts";
import type { AmqpDevice } from "./device.ts";
import { receiveOn, type Incoming } from "./incoming.ts";
import type { HubLink } from "./link.ts";
import { encodeMessage } from "./message.ts";
import { OutgoingLink } from "./outgoing.ts";
import { push } from "./push.ts";

const DESIRED = "/notifications/twin/properties/desired";

/** A device receives twin answers and changes of desired properties on this link. */
export function attachTwinAnswers(link: HubLink, sender: SenderLink): void {
  if (link.device !== undefined) link.device.twinLink = new OutgoingLink(link, sender);
}

/** A device sends twin requests on this link. */
export function attachTwinRequests(link: HubLink, receiver: ReceiverLink): void {
  const { device } = link;
  if (device === undefined) return;
  receiveOn(link, receiver, (incoming) => {
    incoming.accept();
    requested(link, device, incoming);
  });
}

interface TwinAnswer {
  readonly status: number;
  readonly version?: number;
  readonly body: Buffer;
}

function requested(link: HubLink, device: AmqpDevice, { message }: Incoming): void {
  const { identity, connection } = device;
  const { hub } = connection;
  const operation = String(message.annotations["operation"]);
  const resource = message.annotations["resource"];
  const answer = ({ status, version, body }: TwinAnswer): void => {
    const payload = encodeMessage({
      correlationId: message.rawCorrelationId,
      annotations: {
        status: codec.wrap_int(status),
        ...(version === undefined ? {} : { version: codec.wrap_long(version) }),
      },
      body,
    });
    device.twinLink?.send(payload);
  };
  if (resource === DESIRED) {
    device.takesDesired = operation === "PUT";
    answer({ status: 200, body: Buffer.alloc(0) });
    hub.presence.changed(identity.key);
    return;
  }
  const step = operation === "GET" ? "twin-get" : "twin-update";
  const text = message.body.toString("utf8");
  const journal = (status?: number, version?: number): void => {
    journalTwin(hub, identity, operation === "GET" ? "get" : "update-reported", {
      status,
      version,
      connection: connection.id,
      body: operation === "GET" ? undefined : text,
    });
  };
  const fault = hub.fault(step, identity.key);
  if (fault?.kind === "malformed") {
    journal(fault.status);
    const body = Buffer.from(fault.what === "garbage" ? "<html>502 Bad Gateway</html>" : "");
    answer({ status: fault.status, body });
    return;
  }
  performStep<TwinAnswer>(hub, fault, {
    act: () => {
      if (operation === "GET") {
        return { status: 200, body: Buffer.from(JSON.stringify(readTwin(hub, identity))) };
      }
      if (operation !== "PATCH") throw new HubFailure(hubErrors.argument, `Unknown operation ${operation}.`);
      return { status: 200, version: updateReported(hub, identity, text), body: Buffer.alloc(0) };
    },
    answer: (result) => {
      journal(result.status, result.version);
      answer(result);
    },
    refuse: (error: HubError) => {
      journal(error.status);
      hub.refused(step, error, {
        device: identity.key,
        connection: connection.id,
        protocol: connection.protocol,
      });
      const body = JSON.stringify(twinErrorBody(hub, error.code, error.status, error.message));
      answer({ status: error.status, body: Buffer.from(body) });
    },
    leaveUnanswered: () => {
      journal();
    },
    suffer: (broken) => {
      connection.suffer(broken, link);
    },
  });
}

/** Tells a device about a change of its desired properties. */
export function pushDesired(device: AmqpDevice, patch: JsonObject): void {
  const { identity, connection } = device;
  const { hub } = connection;
  const link = device.links.find(({ kind }) => kind === "twin-response");
  if (link === undefined) return;
  const version = Number(patch["$version"]);
  const send = (body: string): void => {
    journalTwin(hub, identity, "desired-pushed", { version, connection: connection.id, body: patch });
    const annotations = { resource: DESIRED, version: codec.wrap_long(version) };
    device.twinLink?.send(encodeMessage({ annotations, body: Buffer.from(body) }));
  };
  push(
    link,
    hub.fault("desired", identity.key),
    () => {
      send(JSON.stringify(patch));
    },
    (what) => {
      send(what === "garbage" ? "not JSON" : "");
    },
  );
}
