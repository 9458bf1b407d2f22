/** When it is time to leave a device identity to whoever else uses it. Times in milliseconds. */
export interface KickRules {
  readonly kicks: number;
  readonly kicksWithinMs: number;
}

/** What is known of the connections that ended lately. */
export interface KickState {
  /** When the other side closed one, as it does for a newcomer. */
  readonly kicks: readonly number[];
  /** When one was reset: by the network, for nobody's sake. */
  readonly resets: readonly number[];
  /** Held already: one more kick holds again. */
  readonly isHeld: boolean;
}

export const noKicks: KickState = Object.freeze({ kicks: [], resets: [], isHeld: false });

/**
 * One connection that had stood for `connectedMs` was ended by the other side: closed in order, or reset. Pure.
 *
 * Somebody else with this identity closes ours by connecting, and ours closes theirs: after a few rounds within a short time
 * one of the two has to stay away. A reset that comes together with data reads like an orderly end (libuv takes the end of a
 * partial read for one), about one in forty here; so where resets are as many as closings it is the network and nobody else.
 */
export function ended(
  state: KickState,
  how: "closed" | "reset",
  now: number,
  connectedMs: number,
  rules: KickRules,
): KickState {
  // A connection that lasted shows that the identity is ours alone.
  const { kicks, resets, isHeld } = connectedMs >= rules.kicksWithinMs ? noKicks : state;
  const isRecent = (at: number): boolean => now - at < rules.kicksWithinMs;
  const closed = [...kicks.filter(isRecent), ...(how === "closed" ? [now] : [])];
  const reset = [...resets.filter(isRecent), ...(how === "reset" ? [now] : [])];
  const isAnother = closed.length >= rules.kicks && closed.length > reset.length;
  return { kicks: closed, resets: reset, isHeld: isHeld || isAnother };
}
