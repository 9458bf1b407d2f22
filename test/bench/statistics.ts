/** The middle of the values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2;
}

/**
 * Where the median lies with at least 95 % confidence, whatever the distribution: the two order statistics that the
 * binomial distribution with p = 1/2 gives (the sign test, inverted). Fewer than six values give their extremes.
 */
export function interval(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let below = 0;
  let chance = 0.5 ** count;
  let left = chance;
  while (left <= 0.025 && below < count / 2) {
    below += 1;
    chance *= (count - below + 1) / below;
    left += chance;
  }
  const rank = Math.max(0, below - 1);
  return [sorted[rank] ?? NaN, sorted[count - 1 - rank] ?? NaN];
}

/** The value below which this share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
