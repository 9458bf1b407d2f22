/** Headers that a message may carry. */
export type MessageHeaders = Readonly<Record<string, string>>;

/** Type 1: call a method; without an id no answer is wanted. */
export interface InvocationMessage {
  readonly type: 1;
  readonly target: string;
  readonly arguments: readonly unknown[];
  readonly invocationId?: string;
  readonly streamIds?: readonly string[];
  readonly headers?: MessageHeaders;
}
/** Type 2: an item of a stream, in either direction. */
export interface StreamItemMessage {
  readonly type: 2;
  readonly invocationId: string;
  readonly item: unknown;
}
/** Type 3: the end of an invocation or a stream. `result` is absent for void. */
export interface CompletionMessage {
  readonly type: 3;
  readonly invocationId: string;
  readonly error?: string;
  readonly result?: unknown;
}
/** Type 4: call a method whose answer is a stream. */
export interface StreamInvocationMessage {
  readonly type: 4;
  readonly target: string;
  readonly arguments: readonly unknown[];
  readonly invocationId: string;
  readonly streamIds?: readonly string[];
  readonly headers?: MessageHeaders;
}
/** Type 5: the client wants no more of a stream. */
export interface CancelInvocationMessage {
  readonly type: 5;
  readonly invocationId: string;
}
/** Type 6. */
export interface PingMessage {
  readonly type: 6;
}
/** Type 7: the connection is about to be closed. */
export interface CloseMessage {
  readonly type: 7;
  readonly error?: string;
  readonly allowReconnect?: boolean;
}
/** Type 8, stateful reconnect: everything up to this message has arrived. */
export interface AckMessage {
  readonly type: 8;
  readonly sequenceId: number;
}
/** Type 9, stateful reconnect: the number of the next message on a new transport. */
export interface SequenceMessage {
  readonly type: 9;
  readonly sequenceId: number;
}

/** A message of the hub protocol. */
export type HubMessage =
  | InvocationMessage
  | StreamItemMessage
  | CompletionMessage
  | StreamInvocationMessage
  | CancelInvocationMessage
  | PingMessage
  | CloseMessage
  | AckMessage
  | SequenceMessage;

const names = {
  1: "invocation",
  2: "stream-item",
  3: "completion",
  4: "stream-invocation",
  5: "cancel-invocation",
  6: "ping",
  7: "close",
  8: "ack",
  9: "sequence",
} as const;

/** A message's type in words. */
export type HubMessageName = (typeof names)[HubMessage["type"]];

/** The type of a message in words. */
export const nameOf = (message: HubMessage): HubMessageName => names[message.type];

/** Whether stateful reconnect numbers, keeps and resends messages of this type: types 1 to 5. */
export const isTracked = (message: HubMessage): boolean => message.type <= 5;
