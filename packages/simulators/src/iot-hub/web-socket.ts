import type { IncomingMessage } from "node:http";
import { createWebSocketStream, WebSocketServer } from "ws";
import { Wire } from "../sockets/wire.ts";
import { AmqpConnection } from "./amqp/connection.ts";
import type { Accepted } from "./endpoint.ts";
import type { Hub, LiveConnection } from "./hub.ts";
import { MqttConnection } from "./mqtt/connection.ts";

const PATH = "/$iothub/websocket";
// MQTT: what the official client offers, and the registered name. AMQP: the official clients' name, and the standard's.
const mqttProtocols: readonly string[] = ["mqtt", "mqttv3.1"];
const amqpProtocols: readonly string[] = ["AMQPWSB10", "amqp"];

/** Takes over connections that ask for MQTT or AMQP over WebSocket. */
export function webSocketUpgrade(
  hub: Hub,
): (request: IncomingMessage, head: Buffer, accepted: Accepted) => void {
  const known = [...mqttProtocols, ...amqpProtocols];
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => known.find((protocol) => offered.has(protocol)) ?? false,
  });
  return (request, head, { socket, secured, whenOpened }) => {
    const { stream, thumbprints } = secured;
    const { pathname } = new URL(request.url ?? "/", "https://localhost");
    if (decodeURIComponent(pathname).toLowerCase() !== PATH) {
      stream.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, stream, head, (webSocket) => {
      const Engine = amqpProtocols.includes(webSocket.protocol) ? AmqpConnection : MqttConnection;
      const wire = new Wire("wss", socket, createWebSocketStream(webSocket));
      const connection: LiveConnection = new Engine(hub, wire, thumbprints, () => {
        whenOpened(connection);
      });
    });
  };
}
