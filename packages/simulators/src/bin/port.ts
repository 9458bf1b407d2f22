/** The number of a port on the command line. @throws naming the option when it is none */
export function portNumber(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value) || Number(value) > 65_535) {
    throw new TypeError(`--${option} must be a port number, got "${value}"`);
  }
  return Number(value);
}
