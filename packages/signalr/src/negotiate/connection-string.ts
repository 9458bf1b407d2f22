import { badOption } from "@holdfast/core";

/** What a connection string of the service says. */
export interface ServiceEndpoint {
  /** `https://contoso.service.signalr.net`, with the port when one is given; without a final slash. */
  readonly endpoint: string;
  /** Where clients are sent: `ClientEndpoint`, or the endpoint. */
  readonly clientEndpoint: string;
  /** Undefined when the connection string leaves signing to Microsoft Entra ID. */
  readonly accessKey: string | undefined;
}

/**
 * Reads a connection string by the rules of Azure's own SDK: any order, names in any case, `AccessKey` may be last and
 * without `;`, `Version` 1.x, `Port` replaces the endpoint's.
 *
 * @throws HoldfastError `misconfigured`; the message never repeats the string, which holds a key.
 */
export function parseConnectionString(connectionString: string): ServiceEndpoint {
  const properties = new Map<string, string>();
  for (const part of connectionString.split(";")) {
    // A key ends in "=" as often as not: only the first one separates.
    const [name, ...value] = part.split("=");
    if (name === undefined || value.length === 0) continue;
    const key = name.trim().toLowerCase();
    if (properties.has(key)) throw wrong("a string that names each property once", `${name.trim()} twice`);
    properties.set(key, value.join("=").trim());
  }
  const endpoint = properties.get("endpoint");
  if (endpoint === undefined) throw wrong("a string with Endpoint=…", "one without");
  const version = properties.get("version");
  if (version !== undefined && !/^1\.\d+(?:[\w-.]+)?$/.test(version)) throw wrong("of Version=1.…", version);
  const url = httpAddress("connectionString: Endpoint", endpoint);
  const port = properties.get("port");
  if (port !== undefined) {
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      throw wrong("a string whose Port is 1 to 65535", port);
    }
    url.port = port;
  }
  const address = withoutSlash(url);
  const client = properties.get("clientendpoint");
  return {
    endpoint: address,
    clientEndpoint:
      client === undefined ? address : withoutSlash(httpAddress("connectionString: ClientEndpoint", client)),
    accessKey: properties.get("accesskey"),
  };
}

/** An absolute address over HTTP or HTTPS. @throws HoldfastError `misconfigured` */
export function httpAddress(option: string, value: string): URL {
  if (URL.canParse(value)) {
    const url = new URL(value);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  }
  throw badOption(option, value, "an absolute http: or https: URL");
}

/** The address as the service's audiences have it. */
export function withoutSlash(url: URL): string {
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

function wrong(allowed: string, got: string): Error {
  return badOption("connectionString", got, allowed);
}
