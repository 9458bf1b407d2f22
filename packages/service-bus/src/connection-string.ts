import { HoldfastError } from "@holdfast/core";

/** Keys that say whose connection string it is, when it is not Service Bus's. */
const others: readonly [key: string, owner: string][] = [
  ["AccountName", "a Storage account"],
  ["AccountKey", "a Storage account"],
  ["HostName", "IoT Hub"],
  ["AccessKey", "Azure SignalR or another service"],
  ["AccountEndpoint", "Cosmos DB"],
  ["InstrumentationKey", "Application Insights"],
];

const keys = ["Endpoint", "SharedAccessKeyName", "SharedAccessKey", "SharedAccessSignature"] as const;

/**
 * Looks through a connection string before the official client does, whose words are few (`TypeError: Invalid URL`). Only
 * what could not work is refused; no message shows a key or a signature.
 *
 * @throws HoldfastError `misconfigured`, naming all that is wrong and what it should look like.
 */
export function checkConnectionString(connectionString: unknown): asserts connectionString is string {
  if (typeof connectionString !== "string") {
    throw refuse(
      `it is ${connectionString === null ? "null" : `of type ${typeof connectionString}`}; is the variable that should hold it set?`,
    );
  }
  if (connectionString.trim() === "") throw refuse("it is empty; is the variable that should hold it set?");
  if (/^\s*["']/.test(connectionString)) throw refuse("it stands in quotation marks; take them away");
  const pairs = parse(connectionString);
  const misspelt = misspellingsIn(pairs);
  // What is spelt wrongly would be missing, too.
  const wrong = misspelt.length > 0 ? misspelt : [...problemsOfEndpoint(pairs), ...problemsOfKey(pairs)];
  if (wrong.length > 0) throw refuse(wrong.join("; and "));
}

type Pairs = ReadonlyMap<string, string>;

function misspellingsIn(pairs: Pairs): string[] {
  return keys.flatMap((key) => {
    const written = [...pairs.keys()].find((one) => one !== key && one.toLowerCase() === key.toLowerCase());
    if (written === undefined || pairs.has(key)) return [];
    return [`the official client reads ${key} in this spelling only, and it says ${written}`];
  });
}

function problemsOfEndpoint(pairs: Pairs): string[] {
  const endpoint = pairs.get("Endpoint");
  if (endpoint === undefined || endpoint === "") {
    const owner = others.find(([key]) => pairs.has(key))?.[1];
    // Nothing else in it need be right then.
    if (owner !== undefined) throw refuse(`it is one of ${owner}, not of Service Bus`);
    return ["Endpoint is missing"];
  }
  const host = /^[a-z][a-z0-9+.-]*:\/\/([^/\s]+)\/?\s*$/i.exec(endpoint)?.[1];
  // Its text is shown in part: somebody may have put a key there.
  if (host === undefined) return ["Endpoint is not like sb://<namespace>.servicebus.windows.net/"];
  return /[<>{}]/.test(host) ? ["Endpoint still holds a placeholder in brackets"] : [];
}

function problemsOfKey(pairs: Pairs): string[] {
  const has = (name: string): boolean => (pairs.get(name) ?? "") !== "";
  const [key, name, signature] = ["SharedAccessKey", "SharedAccessKeyName", "SharedAccessSignature"].map(has);
  if (signature && (key || name))
    return ["it holds both SharedAccessSignature and SharedAccessKey; leave one of them"];
  if (signature) return [];
  if (!key && !name)
    return [
      "there is neither SharedAccessKeyName with SharedAccessKey nor SharedAccessSignature; for Microsoft Entra give the namespace's host and a credential",
    ];
  const wrong: string[] = [];
  if (!name) wrong.push("SharedAccessKeyName is missing beside SharedAccessKey");
  if (!key) wrong.push("SharedAccessKey is missing, or empty, beside SharedAccessKeyName");
  const text = pairs.get("SharedAccessKey") ?? "";
  if (/[<>{}\s"']/.test(text))
    wrong.push("SharedAccessKey holds a space, a bracket or a quotation mark, which no key does");
  if (isEncodedForUrls(text))
    wrong.push("SharedAccessKey is encoded for a URL; %2B stands for +, %2F for / and %3D for =");
  return wrong;
}

/** Base64 whose signs were escaped: no key that the service makes holds a percent sign. */
function isEncodedForUrls(key: string): boolean {
  return /%(?:2B|2F|3D)/i.test(key) && /^[\w+/=]*$/.test(key.replace(/%(?:2B|2F|3D)/gi, ""));
}

function parse(connectionString: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const part of connectionString.split(";")) {
    if (part.trim() === "") continue;
    const equals = part.indexOf("=");
    if (equals <= 0)
      throw refuse("one of its parts is no Key=Value pair; the parts are divided by semicolons");
    pairs.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  return pairs;
}

function refuse(what: string): HoldfastError {
  return new HoldfastError(
    "misconfigured",
    `The Service Bus connection string cannot be used: ${what}. It looks like "Endpoint=sb://<namespace>.servicebus.windows.net/;SharedAccessKeyName=<name>;SharedAccessKey=<key>".`,
  );
}
