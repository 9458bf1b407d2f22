/** When it is time to leave a device identity to whoever else uses it. Times in milliseconds. */
export interface KickRules {
  readonly kicks: number;
  readonly kicksWithinMs: number;
}

/** What is known of the connections that were closed from outside. */
export interface KickState {
  readonly kicks: readonly number[];
  /** Held already: one more kick holds again. */
  readonly isHeld: boolean;
}

export const noKicks: KickState = Object.freeze({ kicks: [], isHeld: false });

/**
 * One connection closed by the other side, that had stood for `connectedMs`. Pure. Somebody else with this identity closes
 * ours by connecting, and ours closes theirs: after a few rounds within a short time one of the two has to stay away.
 */
export function kicked(state: KickState, now: number, connectedMs: number, rules: KickRules): KickState {
  // A connection that lasted shows that the identity is ours alone.
  const { kicks, isHeld } = connectedMs >= rules.kicksWithinMs ? noKicks : state;
  const recent = [...kicks.filter((at) => now - at < rules.kicksWithinMs), now];
  return { kicks: recent, isHeld: isHeld || recent.length >= rules.kicks };
}
