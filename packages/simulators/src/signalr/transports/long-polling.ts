import type { DropKind } from "../../faults/socket-faults.ts";
import type { Connection, LiveTransport } from "../connection.ts";
import type { Exchange } from "../http/exchange.ts";

const headers = { "cache-control": "no-cache, no-store", expires: "Thu, 01 Jan 1970 00:00:00 GMT" };

interface Poll {
  readonly exchange: Exchange;
  readonly cancelTimeout: () => void;
}

/** TransportProtocols.md, "Long Polling (Server-to-Client only)": the client sends by POST. */
export class LongPollingTransport implements LiveTransport {
  readonly name = "LongPolling";
  readonly #connection: Connection;
  #pending: (string | Buffer)[] = [];
  #poll: Poll | undefined;
  #ended = false;
  #cancelGiveUp = (): void => undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#awaitPoll();
  }

  /** Answers when there is something to say, or nothing for a long time. */
  poll(exchange: Exchange): void {
    this.#cancelGiveUp();
    // One poll at a time: the newer one wins.
    this.#answer(204);
    const { simulation } = this.#connection.beginning;
    const cancelTimeout = simulation.timers.after(simulation.settings.pollTimeoutMs, () => {
      this.#answer(200);
    });
    this.#poll = { exchange, cancelTimeout };
    exchange.onClose(() => {
      if (this.#poll?.exchange !== exchange) return;
      cancelTimeout();
      this.#poll = undefined;
      this.#awaitPoll();
    });
    this.#flush();
  }

  send(data: string | Buffer): void {
    this.#pending.push(data);
    this.#flush();
  }

  sendHalf(data: string | Buffer): void {
    const bytes = Buffer.from(data);
    const response = this.#poll?.exchange.stream({ "content-length": String(bytes.length), ...headers });
    response?.write(bytes.subarray(0, Math.ceil(bytes.length / 2)));
  }

  end(): void {
    this.#ended = true;
    this.#cancelGiveUp();
    this.#flush();
  }

  drop(how: DropKind): void {
    this.#ended = true;
    this.#cancelGiveUp();
    const poll = this.#poll;
    this.#poll = undefined;
    poll?.cancelTimeout();
    poll?.exchange.drop(how);
  }

  freeze(): void {
    this.#cancelGiveUp();
    this.#poll?.cancelTimeout();
    this.#poll?.exchange.channel.freeze();
  }

  #flush(): void {
    if (this.#poll === undefined || this.#connection.frozen) return;
    if (this.#pending.length > 0) {
      const data = Buffer.concat(this.#pending.map((part) => Buffer.from(part)));
      this.#pending = [];
      this.#answer(200, data);
    } else if (this.#ended) this.#answer(204);
  }

  #answer(status: number, data: Buffer | "" = ""): void {
    const poll = this.#poll;
    if (poll === undefined) return;
    this.#poll = undefined;
    poll.cancelTimeout();
    poll.exchange.answer(status, data, {
      ...headers,
      ...(data === "" ? {} : { "content-type": "application/octet-stream" }),
    });
    if (!this.#ended) this.#awaitPoll();
  }

  #awaitPoll(): void {
    if (this.#ended) return;
    const { simulation } = this.#connection.beginning;
    this.#cancelGiveUp();
    this.#cancelGiveUp = simulation.timers.after(simulation.settings.disconnectTimeoutMs, () => {
      this.#connection.transportLost(this, "network");
    });
  }
}
