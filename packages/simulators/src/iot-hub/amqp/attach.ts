import { holdAnswer, releaseAnswer, type Link, type LinkContext } from "../../service-bus/amqp-engine.ts";
import { prepareReceiver } from "../../service-bus/amqp-repairs.ts";
import { admitDevice } from "../authenticate.ts";
import { hubErrors, type HubError } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { identityKey } from "../identity.ts";
import { performStep } from "../step.ts";
import { attachTokenReplies, attachTokenRequests } from "./cbs.ts";
import { attachCommands } from "./commands.ts";
import type { AmqpConnection } from "./connection.ts";
import type { AmqpDevice } from "./device.ts";
import { attachEventReplies, attachEventRequests } from "./event-management.ts";
import { attachEvents, eventPlaceOf } from "./events.ts";
import { HubLink, type LinkKind } from "./link.ts";
import { attachMethodCalls, attachMethodResponses } from "./methods.ts";
import { attachFeedback, attachFileNotifications, attachServiceSends } from "./service.ts";
import { attachTelemetry } from "./telemetry.ts";
import { attachTwinAnswers, attachTwinRequests } from "./twin.ts";

/** Where an address leads, by the direction of the link. */
interface Place {
  readonly kind: LinkKind;
  readonly deviceId?: string;
  readonly moduleId?: string;
}

/** @param sends - whether the client sends on the link */
function placeOf(path: string, sends: boolean): Place | undefined {
  if (path === "$cbs") return { kind: sends ? "cbs-request" : "cbs-response" };
  const lower = path.toLowerCase();
  if (lower === "messages/devicebound" && sends) return { kind: "service-send" };
  if (lower === "messages/servicebound/feedback" && !sends) return { kind: "feedback" };
  if (lower === "messages/servicebound/filenotifications" && !sends) return { kind: "file-notifications" };
  // The built-in endpoint: `{event hub}/…`, or `messages/events/…` as older clients write it.
  if (eventPlaceOf(path) !== undefined && !sends) return { kind: "events" };
  if (path === "$management" || lower.endsWith("/$management")) {
    return { kind: sends ? "event-request" : "event-response" };
  }
  const match = /^devices\/([^/]+)(?:\/modules\/([^/]+))?\/(.+?)\/?$/i.exec(path);
  if (match?.[1] === undefined) return undefined;
  const kinds: Record<string, readonly [LinkKind | undefined, LinkKind | undefined]> = {
    "messages/events": ["telemetry", undefined],
    "messages/devicebound": [undefined, "commands"],
    "methods/devicebound": ["method-response", "method-request"],
    twin: ["twin-request", "twin-response"],
  };
  const kind = kinds[(match[3] ?? "").toLowerCase()]?.[sends ? 0 : 1];
  if (kind === undefined) return undefined;
  const deviceId = decodeURIComponent(match[1]);
  return match[2] === undefined
    ? { kind, deviceId }
    : { kind, deviceId, moduleId: decodeURIComponent(match[2]) };
}

/** The device or service that a link belongs to. @throws HubFailure when it has not shown a token */
function ownerOf(connection: AmqpConnection, place: Place): AmqpDevice | undefined {
  const { hub, grants, thumbprints } = connection;
  const now = hub.clock.wallNow();
  const { deviceId, moduleId } = place;
  if (place.kind.startsWith("cbs-")) return undefined;
  if (deviceId === undefined) {
    if ((grants.get("") ?? 0) <= now)
      throw new HubFailure(hubErrors.unauthorized, "The service has no valid token.");
    return undefined;
  }
  const key = identityKey(deviceId, moduleId);
  if ((grants.get(key) ?? 0) <= now) {
    const { expiresAt } = admitDevice(hub, deviceId, moduleId, {
      thumbprints,
      connection: connection.id,
      protocol: connection.protocol,
    });
    grants.set(key, expiresAt);
  }
  return connection.device(hub.identity(key));
}

function start(link: HubLink, { sender, receiver }: LinkContext): void {
  if (receiver !== undefined) {
    if (link.kind === "cbs-request") attachTokenRequests(link, receiver);
    else if (link.kind === "telemetry") attachTelemetry(link, receiver);
    else if (link.kind === "method-response") attachMethodResponses(link, receiver);
    else if (link.kind === "twin-request") attachTwinRequests(link, receiver);
    else if (link.kind === "event-request") attachEventRequests(link, receiver);
    else attachServiceSends(link, receiver);
  } else if (sender !== undefined) {
    if (link.kind === "cbs-response") attachTokenReplies(link, sender);
    else if (link.kind === "commands") attachCommands(link, sender);
    else if (link.kind === "method-request") attachMethodCalls(link, sender);
    else if (link.kind === "twin-response") attachTwinAnswers(link, sender);
    else if (link.kind === "feedback") attachFeedback(link, sender);
    else if (link.kind === "event-response") {
      attachEventReplies(link, sender, sender.remote.attach.target.address ?? "");
    } else if (link.kind === "events") {
      const place = eventPlaceOf(link.address);
      if (place !== undefined) attachEvents(link, sender, place);
    } else attachFileNotifications(link, sender);
  }
}

// What a device sends is held to the hub's own limit, message by message.
const MAX_MESSAGE_BYTES = 1_048_576;

/** Answers with the terminus and the settle modes that the client asked for. */
function echo(engine: Link): void {
  const { attach } = engine.local;
  attach.source = engine.remote.attach.source.described?.();
  attach.target = engine.remote.attach.target.described?.();
  attach.snd_settle_mode = engine.snd_settle_mode ?? 2;
  attach.rcv_settle_mode = engine.rcv_settle_mode ?? 0;
  attach.max_message_size = MAX_MESSAGE_BYTES;
}

/** A client attaches a link. AMQP 2.6.3. */
export function attach(connection: AmqpConnection, context: LinkContext): void {
  const { hub } = connection;
  const { sender, receiver } = context;
  const engine = receiver ?? sender;
  if (engine === undefined) return;
  if (receiver !== undefined) prepareReceiver(receiver);
  const terminus = receiver === undefined ? engine.remote.attach.source : engine.remote.attach.target;
  const address = (terminus.address ?? "").replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "").replace(/^\/+/, "");
  const place = placeOf(address, receiver !== undefined);
  const device = place?.deviceId === undefined ? undefined : identityKey(place.deviceId, place.moduleId);
  const refuse = (error: HubError): void => {
    connection.journalLink(address, device, "refused", error.condition);
    hub.refused("attach", error, {
      connection: connection.id,
      protocol: connection.protocol,
      ...(device === undefined ? {} : { device }),
    });
    // AMQP 2.6.3: a refused link is attached without a terminus, then detached with the error.
    engine.local.attach.source = undefined;
    engine.local.attach.target = undefined;
    engine.close({ condition: error.condition, description: error.message });
  };
  let link: HubLink | undefined;
  const fault = place?.kind.startsWith("cbs-") === true ? undefined : hub.fault("attach", device);
  if (fault?.kind === "delay") holdAnswer(engine);
  performStep(hub, fault, {
    act: () => {
      if (place === undefined)
        throw new HubFailure(hubErrors.deviceNotFound, `There is no node '${address}'.`);
      const owner = ownerOf(connection, place);
      const shutOut = owner?.identity.activeShutOut(hub.clock.now());
      if (shutOut !== undefined) throw new HubFailure(hubErrors.unavailable, shutOut);
      echo(engine);
      link = new HubLink(connection, engine, place.kind, address, owner);
      return link;
    },
    answer: (attached) => {
      if (attached.hasEnded) return;
      if (fault?.kind === "delay") releaseAnswer(engine, connection.engine);
      connection.journalLink(address, device, "granted");
      start(attached, context);
    },
    refuse: (error) => {
      if (fault?.kind === "delay") releaseAnswer(engine, connection.engine);
      refuse(error);
    },
    leaveUnanswered: () => {
      connection.journalLink(address, device, "unanswered");
      holdAnswer(engine);
    },
    suffer: (broken) => {
      if (broken.kind === "detach") {
        echo(engine);
        releaseAnswer(engine, connection.engine);
        link ??= new HubLink(connection, engine, place?.kind ?? "telemetry", address);
      }
      connection.suffer(broken, link);
    },
  });
}
