/** Where TLS is served. */
export interface TlsEndpoint {
  readonly port: number;
  /** A second port for clients that know only HTTPS's; undefined without the option `httpsPort`. */
  readonly httpsPort?: number;
  /** The certificate to trust, in PEM. */
  readonly ca: string;
  /** For clients that speak TLS: the same key, without the emulator flag. */
  readonly connectionString: string;
}

/** Where AMQP over WebSocket is served. */
export interface WebSocketEndpoint {
  readonly port: number;
  /** `ws://127.0.0.1:port/$servicebus/websocket`; subprotocol {@link subprotocol}. */
  readonly url: string;
  readonly subprotocol: string;
  /**
   * For the official client's `customEndpointAddress`. It always speaks `wss:`, so for plain WebSocket give it a
   * `webSocketOptions.webSocket` that replaces `wss:` by `ws:`.
   */
  readonly endpoint: string;
  /** Secure WebSocket; present when the simulator was started with `tls` too. */
  readonly secure?: {
    readonly port: number;
    readonly url: string;
    readonly endpoint: string;
    readonly ca: string;
  };
}
