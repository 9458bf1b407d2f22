import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Functions } from "./functions.ts";

/** A running host and the address of its functions. */
export interface Host extends AsyncDisposable {
  readonly url: string;
}

/**
 * What the Functions host does with an HTTP trigger, as far as the example needs it.
 *
 * @param signedIn - headers that App Service Authentication adds to what a client sends
 */
export async function host(
  { negotiate }: Functions,
  signedIn: Readonly<Record<string, string>>,
): Promise<Host> {
  const server = createServer((request, response) => {
    const headers = new Headers({ ...signedIn });
    const url = `http://${request.headers.host ?? "localhost"}${request.url ?? "/"}`;
    void negotiate({ method: request.method ?? "GET", url, headers }).then(({ status, headers, body }) => {
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/api`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** What App Service Authentication says of a user. */
export function principal(
  name: string,
  claims: Readonly<Record<string, readonly string[]>>,
): Record<string, string> {
  const all = Object.entries(claims).flatMap(([typ, values]) => values.map((val) => ({ typ, val })));
  return {
    "x-ms-client-principal-name": name,
    "x-ms-client-principal": btoa(JSON.stringify({ claims: all })),
  };
}
