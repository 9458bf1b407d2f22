import type { InnerTransport } from "./inner-transport.ts";
import type { Message } from "./official.ts";
import { guardIncoming } from "./transport-internals.ts";

/** Who takes what the hub sends by itself. */
export interface Receiver {
  /** `message` and `inputMessage`, as the official transports emit them. */
  emit(event: string, ...args: unknown[]): boolean;
  /** A change of the desired properties. */
  desired(patch: unknown): void;
  /** What could not be read. */
  failed(topic: string, error: unknown): void;
}

/** Hands on what one transport receives. */
export function attachIncoming(inner: InnerTransport, receiver: Receiver): void {
  const { official } = inner;
  official.on("message", (message: Message) => {
    inner.heard += 1;
    receiver.emit("message", message);
  });
  official.on("inputMessage", (input: string, message: Message) => {
    inner.heard += 1;
    receiver.emit("inputMessage", input, message);
  });
  official.on("twinDesiredPropertiesUpdate", (patch: unknown) => {
    inner.heard += 1;
    receiver.desired(patch);
  });
  guardIncoming(official, (topic, error) => {
    receiver.failed(topic, error);
  });
}
