/** A time, in milliseconds since the Unix epoch, as .NET counts: tenths of a microsecond since the year 1. */
export function ticksOf(wallMs: number): bigint {
  return BigInt(Math.trunc(wallMs)) * 10_000n + 621_355_968_000_000_000n;
}
