import type { InnerTransport } from "./inner-transport.ts";
import { officialPackage, type OfficialTransport } from "./official.ts";
import { onUnhandledMethod } from "./transport-internals.ts";

/** What the official client registers for a method. */
export type MethodHandler = Parameters<OfficialTransport["onDeviceMethod"]>[1];

/** An answer to a direct method. */
export type MethodResponse = Parameters<OfficialTransport["sendMethodResponse"]>[0];

/** The service takes it for "there is no such method". */
const notImplemented = 501;

/** The handlers of direct methods, on each transport; what has none is answered instead of left to the caller's timeout. */
export class MethodRouter {
  readonly #handlers = new Map<string, MethodHandler>();
  readonly #send: (response: MethodResponse) => Promise<unknown>;
  readonly #failed: (error: unknown) => void;

  constructor(send: (response: MethodResponse) => Promise<unknown>, failed: (error: unknown) => void) {
    this.#send = send;
    this.#failed = failed;
  }

  add(methodName: string, handler: MethodHandler): void {
    this.#handlers.set(methodName, handler);
  }

  attach(inner: InnerTransport): void {
    for (const methodName of this.#handlers.keys()) this.attachOne(inner, methodName);
    onUnhandledMethod(inner.official, (methodName, requestId) => {
      this.#refuse(inner, methodName, requestId);
    });
  }

  attachOne(inner: InnerTransport, methodName: string): void {
    inner.official.onDeviceMethod(methodName, (request, response) => {
      inner.heard += 1;
      this.#handlers.get(methodName)?.(request, response);
    });
  }

  #refuse(inner: InnerTransport, methodName: string, requestId: string): void {
    inner.heard += 1;
    const response = new officialPackage.DeviceMethodResponse(requestId, inner.official);
    response.status = notImplemented;
    response.payload = { message: `The device has no method "${methodName}".` };
    this.#send(response).catch(this.#failed);
  }
}
