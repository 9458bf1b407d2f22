import type { DropKind } from "../../faults/socket-faults.ts";
import type { Connection, LiveTransport } from "../connection.ts";
import type { Exchange } from "../http/exchange.ts";

const headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-store",
  // As ASP.NET Core does, so that proxies do not hold it back.
  "x-accel-buffering": "no",
};

function event(data: string): string {
  const lines = data.split(/\r\n|\n|\r/).map((line) => `data: ${line}\r\n`);
  return `${lines.join("")}\r\n`;
}

/** TransportProtocols.md, "Server-Sent Events (Server-to-Client only)": the client sends by POST. */
export class ServerSentEventsTransport implements LiveTransport {
  readonly name = "ServerSentEvents";
  readonly #exchange: Exchange;
  #response: ReturnType<Exchange["stream"]>;

  constructor(exchange: Exchange, connection: Connection) {
    this.#exchange = exchange;
    exchange.onClose(() => {
      connection.transportLost(this, "client");
    });
  }

  /** Answers the request; the connection is attached by now, and may have something to say. */
  open(): void {
    this.#response = this.#exchange.stream(headers);
    // A comment: the first bytes open the client's event source.
    this.#response?.write(":\r\n\r\n");
  }

  send(data: string | Buffer): void {
    this.#response?.write(event(data.toString()));
  }

  sendHalf(data: string | Buffer): void {
    const text = event(data.toString());
    this.#response?.write(text.slice(0, Math.ceil(text.length / 2)));
  }

  end(): void {
    this.#response?.end();
  }

  drop(how: DropKind): void {
    this.#exchange.drop(how);
  }

  freeze(): void {
    this.#exchange.channel.freeze();
  }
}
