import type { WebSocketOptions } from "@azure/service-bus";
import { badOption } from "@holdfast/core";
import { eitherSocket, type FellBack } from "./either-socket.ts";
import type { WebSocketClass } from "./web-socket-like.ts";
import { proxyAgentFor } from "./proxy.ts";
import WebSocket from "ws";

/**
 * `tcp`: AMQP over TLS, port 5671. `websockets`: AMQP in WebSockets over TLS, port 443, through firewalls and proxies. `auto`: the
 * first, and the second where the first does not answer.
 */
export type Transport = "tcp" | "websockets" | "auto";

const words: readonly unknown[] = ["tcp", "websockets", "auto"] satisfies Transport[];

/**
 * The official `webSocketOptions` for a transport: the user's own where there are any, or a WebSocket that goes through the
 * environment's proxy. Undefined for TCP.
 *
 * @param fellBack - hears when `auto` takes to WebSockets.
 * @throws HoldfastError `misconfigured` for another word.
 */
export function webSocketOptionsFor(
  transport: unknown,
  own: WebSocketOptions | undefined,
  host: string,
  fellBack: FellBack = () => undefined,
): WebSocketOptions | undefined {
  if (transport !== undefined && !words.includes(transport)) {
    throw badOption("transport", transport, '"tcp", "websockets" or "auto"');
  }
  if (transport === undefined || transport === "tcp") {
    if (transport === "tcp" && own?.webSocket !== undefined) {
      throw badOption("transport", transport, '"websockets" or "auto", or left out, beside webSocketOptions');
    }
    return own;
  }
  const agent = proxyAgentFor(host);
  // The official option takes a class with the browser's constructor, and gives it what `ws` takes as third argument.
  const webSocket = (own?.webSocket ?? WebSocket) as WebSocketClass;
  return {
    webSocket: (transport === "auto" ? eitherSocket(webSocket, fellBack) : webSocket) as NonNullable<
      WebSocketOptions["webSocket"]
    >,
    webSocketConstructorOptions: { ...(agent && { agent }), ...(own?.webSocketConstructorOptions as object) },
  };
}
