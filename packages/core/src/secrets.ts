// Longest first within each: an alternation takes the first that fits.
const keyName = String.raw`\b\w*(?:(?:Access|Account|Primary|Secondary)_?Key|Client_?Secret|Access_?Token|Password)`;

/** What secrets look like. What comes before one, and stays, is captured. */
export const secrets: readonly RegExp[] = [
  // Connection strings: SharedAccessKey=…, AccessKey=…, AccountKey=…; and the same as JSON.
  new RegExp(String.raw`(${keyName}\s*=\s*)[^;&\s"']+`, "gi"),
  new RegExp(String.raw`(${keyName}["']\s*:\s*["'])[^"']+`, "gi"),
  /(SharedAccessSignature\s+)s\w+=[^;"'\s]+/gi,
  /(SharedAccessSignature\s*=\s*)(?!SharedAccessSignature\b)[^;"'\s]+/gi,
  /\b(sig=)[^&;\s"']+/gi,
  // A word that follows "Bearer" in a sentence has neither digits nor that length.
  /\b(Bearer\s+)(?=[\w.~+/-]*\d|[\w.~+/-]{16})[\w.~+/-]+=*/gi,
  // A JSON Web Token: three base64url parts (encrypted: five), the first of which decodes to '{"…'.
  /()\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*){1,3}/g,
  // user:password@host, as in a proxy's URL.
  /(:\/\/[^\s:/@]+:)[^\s@/]+(?=@)/g,
];
