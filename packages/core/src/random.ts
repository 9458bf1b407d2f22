/** A source of numbers in [0, 1), uniformly distributed. */
export type Random = () => number;

/** The platform's generator; jitter needs no cryptographic quality. */
export const systemRandom: Random = () => Math.random();
