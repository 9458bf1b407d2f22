/** The socket is accepted and at once answered with a TCP reset. */
export interface ResetConnection {
  readonly kind: "reset-connection";
}
/** The socket is accepted and at once closed in an orderly way (FIN). */
export interface AcceptThenClose {
  readonly kind: "accept-then-close";
}
/** The socket is accepted; nothing is ever read or written on it. */
export interface BlackHole {
  readonly kind: "black-hole";
}
/** The opening handshake works; after it the peer is gone without a word: no FIN, no answer. */
export interface HalfOpen {
  readonly kind: "half-open";
  readonly afterMs: number;
}
/** What can happen to a socket that has just been accepted. */
export type SocketFault = ResetConnection | AcceptThenClose | BlackHole | HalfOpen;

/** How a live socket is dropped: `fin` in an orderly way, `reset` with a TCP reset (the client sees ECONNRESET). */
export type DropKind = "fin" | "reset";

/** A connection attempt meets a TCP reset: the client sees ECONNRESET. Step `connect`. */
export function resetConnection(): ResetConnection {
  return { kind: "reset-connection" };
}

/** A connection attempt is accepted and closed before a byte is exchanged. Step `connect`. */
export function acceptThenClose(): AcceptThenClose {
  return { kind: "accept-then-close" };
}

/** A connection attempt is accepted and never answered: no protocol header, no TLS handshake. Step `connect`. */
export function blackHole(): BlackHole {
  return { kind: "black-hole" };
}

/**
 * A connection opens and then falls silent, as when the peer's machine vanished. Step `connect`.
 * @param afterMs - milliseconds of normal life after the connection has opened. Default 0.
 */
export function halfOpen(afterMs = 0): HalfOpen {
  if (!(afterMs >= 0)) throw new RangeError(`halfOpen: afterMs must be 0 or more, got ${String(afterMs)}`);
  return { kind: "half-open", afterMs };
}
