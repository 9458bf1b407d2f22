import type { WebSocketOptions } from "@azure/service-bus";
import { badOption } from "@holdfast/core";
import { proxyAgentFor } from "./proxy.ts";
import WebSocket from "ws";

/** `tcp`: AMQP over TLS, port 5671. `websockets`: AMQP in WebSockets over TLS, port 443, through firewalls and proxies. */
export type Transport = "tcp" | "websockets";

/**
 * The official `webSocketOptions` for a transport: the user's own where there are any, or a WebSocket that goes through the
 * environment's proxy. Undefined for TCP.
 *
 * @throws HoldfastError `misconfigured` for another word.
 */
export function webSocketOptionsFor(
  transport: unknown,
  own: WebSocketOptions | undefined,
  host: string,
): WebSocketOptions | undefined {
  if (transport !== undefined && transport !== "tcp" && transport !== "websockets") {
    throw badOption("transport", transport, '"tcp" or "websockets"');
  }
  if (transport !== "websockets") {
    if (transport === "tcp" && own?.webSocket !== undefined) {
      throw badOption("transport", transport, '"websockets", or left out, beside webSocketOptions');
    }
    return own;
  }
  const agent = proxyAgentFor(host);
  return {
    // The official option takes a class with the browser's constructor, and gives it what `ws` takes as third argument.
    webSocket: own?.webSocket ?? WebSocket,
    webSocketConstructorOptions: { ...(agent && { agent }), ...(own?.webSocketConstructorOptions as object) },
  };
}
