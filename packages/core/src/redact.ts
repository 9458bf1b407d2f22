// Longest first within each: an alternation takes the first that fits.
const keyName = String.raw`\b\w*(?:(?:Access|Account|Primary|Secondary)_?Key|Client_?Secret|Access_?Token|Password)`;

const secrets: readonly [RegExp, string][] = [
  // Connection strings: SharedAccessKey=…, AccessKey=…, AccountKey=…; and the same as JSON.
  [new RegExp(String.raw`(${keyName}\s*=\s*)[^;&\s"']+`, "gi"), "$1<redacted>"],
  [new RegExp(String.raw`(${keyName}["']\s*:\s*["'])[^"']+`, "gi"), "$1<redacted>"],
  [/(SharedAccessSignature\s+)s\w+=[^;"'\s]+/gi, "$1<redacted>"],
  [/(SharedAccessSignature\s*=\s*)(?!SharedAccessSignature\b)[^;"'\s]+/gi, "$1<redacted>"],
  [/\b(sig=)[^&;\s"']+/gi, "$1<redacted>"],
  // A word that follows "Bearer" in a sentence has neither digits nor that length.
  [/\b(Bearer\s+)(?=[\w.~+/-]*\d|[\w.~+/-]{16})[\w.~+/-]+=*/gi, "$1<redacted>"],
  // A JSON Web Token: three base64url parts (encrypted: five), the first of which decodes to '{"…'.
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*){1,3}/g, "<redacted token>"],
  // user:password@host, as in a proxy's URL.
  [/(:\/\/[^\s:/@]+:)[^\s@/]+(?=@)/g, "$1<redacted>"],
];

/** Removes keys, signatures and tokens from text before it goes into an event, a log line or a {@link Failure}. */
export function redact(text: string): string {
  return secrets.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}
