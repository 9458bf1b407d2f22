const FOREVER = "P10675199DT2H48M5.4775807S";

const DAY_MS = 86_400_000;

/** A duration as XML Schema writes it; Infinity is the longest that .NET knows. */
export function durationText(ms: number): string {
  if (ms === Infinity) return FOREVER;
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor((ms % DAY_MS) / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1_000;
  const date = days === 0 ? "" : `${String(days)}D`;
  const time =
    (hours === 0 ? "" : `${String(hours)}H`) +
    (minutes === 0 ? "" : `${String(minutes)}M`) +
    (seconds === 0 && (days > 0 || hours > 0 || minutes > 0) ? "" : `${String(seconds)}S`);
  return `P${date}${time === "" ? "" : `T${time}`}`;
}

const pattern =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** A duration in milliseconds, Infinity for one of thousands of years; undefined when it cannot be read. */
export function durationMs(text: string): number | undefined {
  const match = pattern.exec(text.trim());
  if (match === null) return undefined;
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((part) => Number((part as string | undefined) ?? 0));
  const allDays = years * 365 + months * 30 + weeks * 7 + days;
  if (allDays > 3_650_000) return Infinity;
  return allDays * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

/** A duration as .NET prints it: `25.00:00:00`. */
export function timeSpanText(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const rest = new Date(ms % DAY_MS).toISOString();
  const time = ms % 1_000 === 0 ? rest.slice(11, 19) : rest.slice(11, 23);
  return days === 0 ? time : `${String(days)}.${time}`;
}
