import { randomUUID } from "node:crypto";
import { conditions, type AmqpError } from "./conditions.ts";

/** What the service appends to nearly every error text. */
export interface Tracking {
  /** `host:entity` as the service prints it, or `NoSystemTracker`. */
  readonly system: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** `TrackingId:…, SystemTracker:…, Timestamp:…`: what support asks for. */
export function trackingSuffix({ system, at }: Tracking): string {
  // The service prints no milliseconds and no zone here.
  const timestamp = new Date(at).toISOString().slice(0, 19);
  return `TrackingId:${randomUUID()}_G0, SystemTracker:${system}, Timestamp:${timestamp}`;
}

/** `hh:mm:ss`, with milliseconds when there are any, as .NET prints a time span of less than a day. */
function timeSpan(ms: number): string {
  const text = new Date(Math.min(ms, 86_399_999)).toISOString();
  return ms % 1_000 === 0 ? text.slice(11, 19) : text.slice(11, 23);
}

const more = "To know more visit https://aka.ms/sbResourceMgrExceptions.";

/** The service's own words, so that what matches them in production matches them here. */
export const texts = {
  serverBusy: (waitSeconds: number) =>
    `The request was terminated because the entity is being throttled. Error code: 50009. Please wait ${String(waitSeconds)} seconds and try again.`,
  entityNotFound: (resource: string) => `The messaging entity '${resource}' could not be found. ${more} `,
  entityExists: (resource: string) => `The messaging entity '${resource}' already exists. ${more} `,
  entityDisabled: (resource: string) => `Messaging entity '${resource}' is currently disabled. ${more} `,
  claimMissing: (claim: string, resource: string) =>
    `Unauthorized access. '${claim}' claim(s) are required to perform this operation. Resource: '${resource}'.`,
  invalidSignature: "InvalidSignature: The token has an invalid signature.",
  invalidAudience: "InvalidAudience: The authorization header contains a token with a wrong audience.",
  malformedToken: "MalformedToken: The token is malformed.",
  missingToken: "MissingToken: The put-token message carries no token.",
  tokenExpired: (expiry: number) => {
    const at = new Date(expiry).toISOString();
    return `ExpiredToken: The token is expired. Expiration time: '${at.slice(0, 10)} ${at.slice(11, 19)}Z'.`;
  },
  tooManyTokens: (limit: number, resource: string) =>
    `The maximum number of '${String(limit)}' tokens per connection has been reached. Resource: '${resource}'.`,
  messageTooLarge: (deliveryId: number, size: number, limit: number) =>
    `The received message (delivery-id:${String(deliveryId)}, size:${String(size)} bytes) exceeds the limit (${String(limit)} bytes) currently allowed on the link.`,
  entityFull: (entity: string, maxSizeBytes: number, sizeBytes: number) =>
    `The maximum entity size has been reached or exceeded for Queue: '${entity.toUpperCase()}'. Size of entity in bytes:${String(sizeBytes)}, Max entity size in bytes:${String(maxSizeBytes)}. For more information please see http://aka.ms/amqp-entity-size.`,
  lockLost:
    "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
  sessionLockLost: "The session lock was lost. Request a new session receiver.",
  sessionLockExpired: "The session lock has expired on the MessageSession. Accept a new MessageSession.",
  sessionCannotBeLocked: (sessionId: string) =>
    `The requested session '${sessionId}' cannot be accepted. It may be locked by another receiver.`,
  sessionRequired:
    "It is not possible for an entity that requires sessions to create a non-sessionful message receiver.",
  sessionNotSupported:
    "A sessionful message receiver cannot be created on an entity that does not require sessions. Ensure RequiresSession is set to true when creating a Queue or Subscription to enable sessionful behavior.",
  notADestination: (path: string) => `'${path}' does not accept messages from clients.`,
  notASource: (path: string) =>
    `'${path}' is a topic: messages are received from its subscriptions, not from the topic itself.`,
  sessionIdMissing:
    "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.",
  timedOut: (ms: number) =>
    `The operation did not complete within the allotted timeout of ${timeSpan(ms)}. The time allotted to this operation may have been a portion of a longer timeout. For more information on exception types and proper exception handling, please refer to http://go.microsoft.com/fwlink/?LinkId=761101`,
  messageNotFound: "Failed to lock one or more specified messages. The message does not exist.",
  idleTimeout: (link: string) =>
    `The link '${link}' is force detached. Code: consumer(link0). Details: AmqpMessageConsumer.IdleTimerExpired: Idle timeout: 00:10:00.`,
  idleLink: (role: "send" | "receive" | "management" | undefined, ms: number) => {
    const [kind, name] =
      role === "send"
        ? ["AmqpMessagePublisher", "publisher"]
        : role === "receive"
          ? ["AmqpMessageConsumer", "consumer"]
          : ["AmqpControlProtocolClient", "controller"];
    const time = timeSpan(ms);
    return `The link 'G0:${randomUUID()}:source' is force detached. Code: ${name}(link0). Details: ${kind}.IdleTimerExpired: Idle timeout: ${time}.`;
  },
  connectionForced: "The connection was closed by the service for maintenance.",
  connectionInactive: (ms: number) =>
    `The connection was inactive for more than the allowed ${String(ms)} milliseconds and is closed by container 'LinkTracker'.`,
  noTransactions:
    "The link has a target without an address; neither transactions nor anonymous targets are simulated.",
  unknownOperation: (operation: string) => `The operation '${operation}' is not supported by this node.`,
} as const;

/** An error with the service's tracking text behind its description. */
export function trackedError(condition: string, text: string, tracking: Tracking): AmqpError {
  return { condition, description: `${text.trimEnd()} ${trackingSuffix(tracking)}` };
}

/** `com.microsoft:server-busy` in the service's words. */
export function busyError(waitSeconds: number, tracking: Tracking): AmqpError {
  return trackedError(conditions.serverBusy, texts.serverBusy(waitSeconds), tracking);
}
