import type { RequestStep, SignalRStep } from "./faults.ts";
import type { HubMessage, HubMessageName } from "./protocol/messages.ts";
import type { TransportName } from "./options.ts";

/** When something happened: milliseconds on the simulator's monotonic clock, fractional. */
export interface Moment {
  readonly at: number;
}

/** Which of the two servers. */
export type ServerName = "app" | "service";

/** A bearer token that came with a request. */
export interface TokenSeen {
  /** Counts the different tokens that this simulator issued or saw, from 1. */
  readonly number: number;
  readonly place: "header" | "query";
  /** Who made it: the app server's redirect, the service's `:generateToken`, or somebody else (`client`). */
  readonly issuer: TokenIssuer | "client";
}

/** Who can issue a token for the service. */
export type TokenIssuer = "redirect" | "generate-token";

/** An HTTP request that arrived, and its answer. */
export interface RequestEntry extends Moment {
  readonly server: ServerName;
  readonly method: string;
  readonly path: string;
  /** Without tokens. */
  readonly query: string;
  hub: string | undefined;
  readonly token: TokenSeen | undefined;
  readonly cookies: string | undefined;
  readonly origin: string | undefined;
  /** What it was for; undefined for anything else (preflights, unknown paths, own routes). */
  step?: RequestStep | "delete";
  transport?: TransportName;
  connectionId?: string;
  /** Undefined until it is answered; 101 when it became a WebSocket. */
  status?: number;
  answeredAt?: number;
}

/** How a connection ended. */
export type EndedBy = "client" | "server" | "network";

/** A connection that got as far as a transport. */
export interface ConnectionEntry extends Moment {
  readonly server: ServerName;
  readonly hub: string;
  readonly connectionId: string;
  readonly transport: TransportName;
  readonly userId: string | undefined;
  /** The token it was opened with. */
  readonly token: number | undefined;
  protocol?: "json" | "messagepack";
  /** When the handshake was done. */
  openedAt?: number;
  /** How often its transport was resumed (stateful reconnect). */
  resumed: number;
  endedAt?: number;
  endedBy?: EndedBy;
  error?: string;
}

/** A hub message in either direction. */
export interface MessageEntry extends Moment {
  readonly hub: string;
  readonly connectionId: string;
  readonly direction: "received" | "sent";
  readonly type: HubMessageName;
  readonly target: string | undefined;
  readonly invocationId: string | undefined;
  readonly message: HubMessage;
  /** Sent again on a new transport (stateful reconnect), or received again and dropped. */
  readonly repeated: boolean;
}

/** A method of a hub that ran. */
export interface InvocationEntry extends Moment {
  readonly hub: string;
  readonly connectionId: string;
  readonly target: string;
  readonly arguments: readonly unknown[];
}

/** A token that the simulator issued. */
export interface TokenEntry extends Moment {
  readonly number: number;
  readonly issuer: TokenIssuer;
  readonly hub: string;
  readonly userId: string | undefined;
  readonly sizeBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** A scripted fault that happened. */
export interface FaultEntry extends Moment {
  readonly step: SignalRStep;
  readonly entity: string | undefined;
  readonly kind: string;
}
