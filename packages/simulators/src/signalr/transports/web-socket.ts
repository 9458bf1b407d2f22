import type { WebSocket } from "ws";
import type { DropKind } from "../../faults/socket-faults.ts";
import type { Connection, LiveTransport } from "../connection.ts";
import type { Channel } from "../http/exchange.ts";

// RFC 6455, 7.4.1: an orderly end; 1005 is a close frame without a code.
const ORDERLY = new Set([1000, 1001, 1005]);

/** The head of an unmasked frame (RFC 6455, 5.2). */
function frameHead(length: number, binary: boolean): Buffer {
  const first = binary ? 0x82 : 0x81;
  if (length < 126) return Buffer.from([first, length]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = first;
  if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return head;
}

/** TransportProtocols.md, "WebSockets (Full Duplex)". */
export class WebSocketTransport implements LiveTransport {
  readonly name = "WebSockets";
  readonly #webSocket: WebSocket;
  readonly #channel: Channel;

  constructor(webSocket: WebSocket, channel: Channel, connection: Connection) {
    this.#webSocket = webSocket;
    this.#channel = channel;
    webSocket.on("message", (data: Buffer, binary: boolean) => {
      connection.onReceive(data, binary);
    });
    // What an error means is told by "close".
    webSocket.on("error", () => undefined);
    webSocket.on("close", (code: number) => {
      connection.transportLost(this, ORDERLY.has(code) ? "client" : "network");
    });
  }

  send(data: string | Buffer): void {
    this.#webSocket.send(data);
  }

  sendHalf(data: string | Buffer): void {
    const bytes = Buffer.from(data);
    this.#channel.stream.write(frameHead(bytes.length, typeof data !== "string"));
    this.#channel.stream.write(bytes.subarray(0, Math.ceil(bytes.length / 2)));
  }

  end(): void {
    this.#webSocket.close(1000);
  }

  drop(how: DropKind): void {
    if (how === "reset") this.#channel.socket.resetAndDestroy();
    else this.#channel.socket.destroySoon();
  }

  freeze(): void {
    this.#channel.freeze();
  }
}
