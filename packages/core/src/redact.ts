import { secrets } from "#secrets";

/** Removes keys, signatures and tokens from text before it goes into an event, a log line or a {@link Failure}. */
export function redact(text: string): string {
  return secrets.reduce((clean, secret) => clean.replace(secret, "$1<redacted>"), text);
}
