import type { HubConnectionFault } from "./faults.ts";
import { requestedFault } from "./fault-injection.ts";
import type { Hub } from "./hub.ts";
import { hubErrors, type HubError } from "./hub-error.ts";
import type { Identity } from "./identity.ts";
import type { HubAttemptEntry, HubProtocol } from "./journal-entries.ts";

// https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling: body and properties together.
const MAX_MESSAGE_BYTES = 262_144;

/** A device-to-cloud message that has arrived. */
export interface IncomingTelemetry {
  readonly identity: Identity;
  readonly connection: number | undefined;
  readonly protocol: HubProtocol;
  /** By their short names: `mid`, `cid`, `ct`, `ce`, `on`, … */
  readonly systemProperties: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly duplicate?: boolean;
}

/** How a transport tells the device what became of its message. */
export interface TelemetryAnswer {
  accept(): void;
  refuse(error: HubError): void;
  leaveUnanswered(): void;
  suffer(fault: HubConnectionFault): void;
  /** Whether an answer can still be given. */
  readonly isGone: boolean;
}

function sizeOf(messages: readonly IncomingTelemetry[]): number {
  let bytes = 0;
  for (const { body, properties, systemProperties } of messages) {
    bytes += body.length;
    for (const [key, value] of [...Object.entries(properties), ...Object.entries(systemProperties)]) {
      bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    }
  }
  return bytes;
}

/** Takes a message as it is: no fault, no limit and no answer. */
export function storeTelemetry(hub: Hub, message: IncomingTelemetry): void {
  const { identity, systemProperties: system } = message;
  identity.lastActivityAt = hub.clock.wallNow();
  const entry = hub.ledgers.telemetry.add({
    at: hub.clock.now(),
    enqueuedAt: hub.clock.wallNow(),
    sequenceNumber: hub.nextTelemetryNumber(),
    device: identity.key,
    connection: message.connection,
    protocol: message.protocol,
    deviceId: identity.deviceId,
    moduleId: identity.moduleId,
    outputName: system["on"],
    messageId: system["mid"],
    correlationId: system["cid"],
    contentType: system["ct"],
    contentEncoding: system["ce"],
    systemProperties: system,
    properties: message.properties,
    body: message.body,
  });
  hub.events.append(entry);
}

/** One message or one batch, which stands or falls together, has arrived from a device. */
export function receiveTelemetry(
  hub: Hub,
  messages: readonly IncomingTelemetry[],
  answer: TelemetryAnswer,
): void {
  const [first] = messages;
  if (first === undefined) {
    answer.accept();
    return;
  }
  const { identity, connection, protocol } = first;
  const device = identity.key;
  const fault = hub.fault("send", device);
  const attempts = messages.map((message): HubAttemptEntry =>
    hub.ledgers.attempts.add({
      at: hub.clock.now(),
      device,
      connection,
      protocol,
      messageId: message.systemProperties["mid"],
      bytes: message.body.length,
      duplicate: message.duplicate ?? false,
      outcome: "pending",
      ...(fault === undefined ? {} : { fault: fault.kind }),
    }),
  );
  const conclude = (outcome: HubAttemptEntry["outcome"]): void => {
    for (const attempt of attempts) attempt.outcome = outcome;
  };
  const leaveUnanswered = (): void => {
    conclude("unanswered");
    answer.leaveUnanswered();
  };
  const refuse = (error: HubError): void => {
    conclude("refused");
    for (const { messageId } of attempts) {
      hub.refused("send", error, {
        device,
        protocol,
        ...(connection === undefined ? {} : { connection }),
        ...(messageId === undefined ? {} : { messageId }),
      });
    }
    hub.writeLog("DeviceTelemetry", "ingress", device, error);
    answer.refuse(error);
  };
  const accept = (): void => {
    if (answer.isGone) {
      leaveUnanswered();
      return;
    }
    conclude("accepted");
    for (const { messageId } of attempts) {
      hub.ledgers.accepted.add({ at: hub.clock.now(), device, connection, messageId });
    }
    answer.accept();
  };
  const take = (): void => {
    for (const message of messages) {
      storeTelemetry(hub, message);
      requestedFault(hub, identity, message.properties);
    }
  };

  if (fault?.kind === "refuse") {
    refuse(fault.error);
    return;
  }
  const { acknowledgementDelayMs, throttle } = hub.settings;
  const carriesOut = fault === undefined || fault.kind === "delay" || fault.stored;
  let waitMs = 0;
  if (carriesOut) {
    const injected = identity.activeFault(hub.clock.now());
    const admission = injected === undefined ? hub.throttle.admitSend() : "throttled";
    if (sizeOf(messages) > MAX_MESSAGE_BYTES) {
      refuse(hubErrors.messageTooLarge);
      return;
    }
    if (admission === "throttled") {
      const { retryAfterSeconds } = throttle;
      refuse(
        injected ?? {
          ...hubErrors.throttled,
          ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
        },
      );
      return;
    }
    ({ waitMs } = admission);
  }
  if (fault !== undefined && fault.kind !== "delay") {
    if (fault.stored) take();
    leaveUnanswered();
    if (fault.kind !== "lose-acknowledgement") answer.suffer(fault);
    return;
  }
  const answerMs = acknowledgementDelayMs + (fault?.ms ?? 0);
  const later = (ms: number, action: () => void): void => {
    if (ms <= 0) action();
    else hub.timers.after(ms, action);
  };
  later(waitMs, () => {
    take();
    later(answerMs, accept);
  });
}
