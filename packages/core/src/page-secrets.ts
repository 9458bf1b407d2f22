/**
 * The secrets that a page can hold: tokens, behind their name or by themselves. It never has a key or a connection string to
 * lose. As `secrets.ts`, which stands in its place everywhere else.
 */
export const secrets: readonly RegExp[] = [
  /(Bearer\s+|(?:access_?token|password)["']?\s*[=:]\s*["']?)[^&;\s"']{9,}|\beyJ[\w-]+\.[\w.-]+/gi,
];
