const secrets: readonly [RegExp, string][] = [
  [/(SharedAccessKey\s*=\s*)[^;\s"']+/gi, "$1<redacted>"],
  [/(SharedAccessSignature\s*=\s*)(?!SharedAccessSignature)[^;"']+/gi, "$1<redacted>"],
  [/(SharedAccessSignature\s+)sr=[^;"'\s]+/gi, "$1<redacted>"],
  [/(AccessKey\s*=\s*)(?!<redacted>)[^;\s"']+/gi, "$1<redacted>"],
  [/([?&;\s]|^)(sig|access_token|client_secret)=[^&;\s"']+/gi, "$1$2=<redacted>"],
  [/\bBearer\s+[\w.~+/-]+=*/gi, "Bearer <redacted>"],
  // A JSON Web Token: three base64url parts, the first of which decodes to '{"…'.
  [/\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, "<redacted token>"],
];

/** Removes keys, signatures and tokens from text before it goes into an event, a log line or a {@link Failure}. */
export function redact(text: string): string {
  return secrets.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}
