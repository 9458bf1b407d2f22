/** One number of a bench: what was asked for and what was measured. */
export interface Result {
  readonly name: string;
  /** In words, `<= 1.5`; undefined for what is only reported. */
  readonly required: string | undefined;
  readonly measured: number;
  /** Where the median lies with 95 % confidence, or the extremes of a few runs; undefined for a count. */
  readonly interval: readonly [number, number] | undefined;
  readonly unit: string;
  /** Undefined when nothing was required. */
  readonly ok: boolean | undefined;
}

/** A number that is only reported. */
export function reported(
  name: string,
  unit: string,
  measured: number,
  interval?: readonly [number, number],
): Result {
  return { name, required: undefined, measured, interval, unit, ok: undefined };
}

/** A number with an upper bound. */
export function atMost(
  name: string,
  unit: string,
  most: number,
  measured: number,
  interval?: readonly [number, number],
): Result {
  return {
    ...reported(name, unit, measured, interval),
    required: `<= ${digits(most)}`,
    ok: measured <= most,
  };
}

/** A number that must come near another. */
export function near(
  name: string,
  unit: string,
  target: number,
  tolerance: number,
  measured: number,
): Result {
  const percent = `${String(tolerance * 100)} %`;
  return {
    ...reported(name, unit, measured),
    required: `${digits(target)} ± ${percent}`,
    ok: Math.abs(measured - target) <= tolerance * target,
  };
}

/** Aligned text for people. */
export function table(results: readonly Result[]): string {
  const rows = results.map(({ name, required, measured, interval, unit, ok }) => [
    name,
    required ?? "",
    `${digits(measured)} ${unit}`.trim(),
    interval === undefined ? "" : `${digits(interval[0])} … ${digits(interval[1])}`,
    ok === undefined ? "" : ok ? "ok" : "MISSED",
  ]);
  const all = [["", "required", "measured", "interval", ""], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Three significant digits for small numbers, whole ones for large. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
