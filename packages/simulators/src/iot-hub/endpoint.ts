import type { Socket } from "node:net";
import type { Certificate } from "../sockets/certificate.ts";
import { Listener } from "../sockets/listener.ts";
import { Wire } from "../sockets/wire.ts";
import type { Hub, LiveConnection } from "./hub.ts";
import { AmqpConnection } from "./amqp/connection.ts";
import { MqttConnection } from "./mqtt/connection.ts";
import { peek, secureWith, type SecureSocket } from "./secure-socket.ts";

/** What a connection needs to know about how it came to be. */
export interface Accepted {
  readonly socket: Socket;
  readonly secured: SecureSocket;
  /** Called when the client has been let in. */
  readonly whenOpened: (connection: LiveConnection) => void;
}

/** A port of the hub: applies (unless told not to) the faults of a fresh socket, then TLS, then hands over. */
export function hubListener(
  hub: Hub,
  port: number,
  certificate: Certificate,
  handOver: (accepted: Accepted) => void,
  { meetsFaults = true }: { meetsFaults?: boolean } = {},
): Listener {
  const secure = secureWith(certificate);
  return new Listener(hub.settings.host, port, (socket) => {
    const fault = meetsFaults ? hub.fault("connect") : undefined;
    // A black hole: nobody reads; the kernel accepts what fits into its buffers.
    if (fault?.kind === "black-hole") return;
    if (fault?.kind === "reset-connection") {
      socket.resetAndDestroy();
      return;
    }
    if (fault?.kind === "accept-then-close") {
      socket.destroySoon();
      return;
    }
    secure(socket, (secured) => {
      handOver({
        socket,
        secured,
        whenOpened: (connection) => {
          if (fault === undefined) return;
          hub.timers.after(fault.afterMs, () => {
            connection.goSilent();
          });
        },
      });
    });
  });
}

/** MQTT or AMQP, whichever the client speaks: the official clients take one port for both. */
export function overTcp(hub: Hub): (accepted: Accepted) => void {
  return ({ socket, secured, whenOpened }) => {
    const { stream, thumbprints } = secured;
    peek(stream, (first) => {
      const wire = new Wire("tls", socket, stream);
      // An AMQP connection begins with these letters, an MQTT one with 0x10.
      const isAmqp = first.subarray(0, 4).toString("latin1") === "AMQP";
      const Engine = isAmqp ? AmqpConnection : MqttConnection;
      const connection: LiveConnection = new Engine(hub, wire, thumbprints, () => {
        whenOpened(connection);
      });
    });
  };
}
