import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createNegotiateHandler, SignalRServiceClient, toNodeHandler } from "@holdfast/signalr/negotiate";

/** An app that lets clients into rooms. */
export interface Rooms extends AsyncDisposable {
  readonly url: string;
  /** Says something to everybody in a room. */
  say(room: string, text: string): Promise<void>;
}

/** Serves `POST /chat/negotiate`, and `POST /rooms/{room}?connection={id}`, which puts a connection into a room. */
export async function rooms(connectionString: string): Promise<Rooms> {
  const service = { connectionString, hub: "chat" };
  const negotiate = toNodeHandler(createNegotiateHandler(service));
  const client = new SignalRServiceClient(service);
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://app");
    if (pathname === "/chat/negotiate") {
      void negotiate(request, response);
      return;
    }
    const room = pathname.replace("/rooms/", "");
    client.addConnectionToGroup(searchParams.get("connection") ?? "", room).then(
      () => response.writeHead(204).end(),
      () => response.writeHead(503).end(), // The member's connection counts as failed, and is made anew.
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    say: (room, text) => client.sendToGroup(room, "Said", [room, text]),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
