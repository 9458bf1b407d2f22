/** A number in its range. @throws RangeError naming the option, the range and the value */
export function numberOption(
  option: string,
  value: number,
  min: number,
  max = Infinity,
  integer = true,
): number {
  if (
    typeof value !== "number" ||
    !(value >= min && value <= max) ||
    (integer && value !== Infinity && !Number.isInteger(value))
  ) {
    const range = max === Infinity ? `at least ${String(min)}` : `between ${String(min)} and ${String(max)}`;
    throw new RangeError(
      `serviceBus: ${option} must be ${integer ? "an integer of " : ""}${range}, got ${String(value)}`,
    );
  }
  return value;
}

/** An entity's path. @throws TypeError naming the option and the value */
export function pathOption(option: string, value: unknown): string {
  if (
    typeof value !== "string" ||
    value.length < 1 ||
    value.length > 260 ||
    /[\s?#\\]|^\/|\/$|\$/.test(value)
  ) {
    throw new TypeError(
      `serviceBus: ${option} must be an entity path of 1 to 260 characters without spaces, "?", "#", "$", "\\" or an outer "/", got ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/** One of a few words. @throws TypeError naming the option, the words and the value */
export function choiceOption<Choice extends string>(
  option: string,
  value: Choice,
  choices: readonly Choice[],
): Choice {
  if (!choices.includes(value)) {
    throw new TypeError(
      `serviceBus: ${option} must be one of ${choices.join(", ")}, got ${JSON.stringify(value)}`,
    );
  }
  return value;
}
