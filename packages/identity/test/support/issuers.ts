import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { generate } from "selfsigned";

/** One answer of an issuer: a status and a body, a token, or none at all. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** A token of this name, good for `seconds` (default an hour). */
  readonly token?: string;
  readonly seconds?: number;
  readonly hang?: boolean;
}

export interface Issuer {
  readonly url: string;
  /** When each request for a token came, in milliseconds. */
  readonly requests: number[];
  /** What it answers, in turn; the last one repeats. */
  answers: Answer[];
  /** Stops listening and cuts every connection; `up` listens again at the same address. */
  down(): Promise<void>;
  up(): Promise<void>;
}

/** The managed identity endpoint of a virtual machine, as `AZURE_POD_IDENTITY_AUTHORITY_HOST` names it. */
export async function managedIdentityEndpoint(answers: Answer[]): Promise<Issuer> {
  return listen(createServer, "http", answers, () => false);
}

/** Microsoft Entra's token endpoint over TLS, and the certificate to trust. */
export async function entra(answers: Answer[]): Promise<Issuer & { readonly ca: string }> {
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ],
  });
  const make = (handle: Handler): Server => createTlsServer({ key: made.private, cert: made.cert }, handle);
  const issuer = await listen(make, "https", answers, (request, response) => {
    if (request.url?.includes("/.well-known/") !== true) return false;
    const tenant = `https://${request.headers.host ?? ""}/tenant`;
    const endpoints = {
      ...{
        issuer: `${tenant}/v2.0`,
        authorization_endpoint: `${tenant}/authorize`,
        jwks_uri: `${tenant}/keys`,
      },
      token_endpoint: `${tenant}/oauth2/v2.0/token`,
    };
    respond(response, 200, {}, JSON.stringify(endpoints));
    return true;
  });
  return Object.assign(issuer, { ca: made.cert });
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(
  make: (handle: Handler) => Server,
  scheme: string,
  answers: Answer[],
  isMetadata: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<Issuer> {
  const requests: number[] = [];
  const server = make((request, response) => {
    if (isMetadata(request, response)) return;
    const answer = issuer.answers[Math.min(requests.length, issuer.answers.length - 1)]!;
    requests.push(performance.now());
    if (answer.hang === true) return;
    const { status = 200, headers = {}, token, seconds = 3_600 } = answer;
    const given = { token_type: "Bearer", expires_in: seconds, access_token: token, resource: "r" };
    const expiresOn = Math.floor(Date.now() / 1_000) + seconds;
    const body =
      token === undefined ? (answer.body ?? "{}") : JSON.stringify({ ...given, expires_on: expiresOn });
    respond(response, status, headers, body);
  });
  // closeAllConnections() passes over those whose TLS handshake is still under way.
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  let port = 0;
  const up = (): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, "127.0.0.1", () => {
        ({ port } = server.address() as AddressInfo);
        resolve();
      });
    });
  await up();
  const issuer: Issuer = {
    url: `${scheme}://127.0.0.1:${port}`,
    requests,
    answers,
    up,
    down: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return issuer;
}

function respond(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string,
): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close", ...headers });
  response.end(body);
}

/** What Entra says in an error's body. */
export function refusal(error: string, description: string): string {
  const code = /AADSTS(\d+)/.exec(description)?.[1];
  return JSON.stringify({ error, error_description: description, error_codes: code ? [Number(code)] : [] });
}
