/** What the official client (rhea) uses of a WebSocket. */
export interface WebSocketLike {
  readonly url: string;
  /** Set to `arraybuffer` where there is one. */
  binaryType?: string;
  onopen: ((event?: unknown) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event?: unknown) => void) | null;
  onerror: ((error: unknown) => void) | null;
  send(data: Uint8Array): void;
  close(): void;
  /** Ends it at once, without a farewell; browsers' have no such thing. */
  terminate?(): void;
}

/** A class of them, with the browser's arguments and the options of `ws`. */
export type WebSocketClass = new (url: string, protocols: string[], options: unknown) => WebSocketLike;
