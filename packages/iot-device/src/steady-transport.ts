import { setCertificate, type Credentials } from "./credentials.ts";
import { DeviceLink } from "./device-link.ts";
import { attachIncoming } from "./incoming.ts";
import type { Feature, InnerTransport } from "./inner-transport.ts";
import { checkedBytes } from "./message-limits.ts";
import { MethodRouter, type MethodHandler, type MethodResponse } from "./method-router.ts";
import {
  answer,
  type AuthenticationProvider,
  type Callback,
  type Connected,
  type DeviceClientOptions,
  type Disconnected,
  type Done,
  type Message,
  type MessageEnqueued,
  type OfficialTransport,
  type TransportConfigured,
  type TransportConstructor,
} from "./official.ts";
import type { IotOperation } from "./operations.ts";
import { OutgoingMessage } from "./outgoing-message.ts";
import type { Resilience } from "./resilience.ts";
import { DeviceTwin, type TwinDocument } from "./device-twin.ts";
import { SwitchedTransport } from "./switched-transport.ts";
import { tellFailed } from "./telling.ts";
import { sendWithoutJson } from "./transport-internals.ts";
import { configure } from "./transport-options.ts";

/**
 * A transport that the official client takes for one of its own, and that stays: under it, one disposable official transport
 * follows the other, each with all that was switched on. Every operation is bounded, and repeated under its policy.
 */
export class SteadyTransport extends SwitchedTransport implements OfficialTransport {
  readonly #Transport: TransportConstructor;
  readonly #credentials: Credentials;
  readonly #resilience: Resilience;
  readonly #methods: MethodRouter;
  readonly #twin: DeviceTwin;
  #link: DeviceLink;
  /** The official client's own, for its calls over HTTPS. */
  ownProvider: AuthenticationProvider | undefined;

  constructor(Transport: TransportConstructor, credentials: Credentials, resilience: Resilience) {
    super();
    [this.#Transport, this.#credentials, this.#resilience] = [Transport, credentials, resilience];
    const failed = (what: string) => (error: unknown) => {
      this.tellFailed(what, error);
    };
    this.#methods = new MethodRouter((response) => this.#answer(response), failed("method"));
    this.#twin = new DeviceTwin(() => this.#link, this, failed("twin"));
    this.#link = this.#makeLink();
  }

  /** The connection, for what works beside the official methods. */
  get link(): DeviceLink {
    return this.#link;
  }

  get resilience(): Resilience {
    return this.#resilience;
  }

  connect(done: Callback<Connected>): void {
    // An explicit open() after close() is a new life; nothing else reopens.
    if (this.#link.isClosed) this.#link = this.#makeLink(this.#link);
    const opened = this.#link.start().then(() => this.#link.connected);
    void answer(opened, done);
  }

  disconnect(done: Callback<Disconnected>): void {
    const closed = this.#link.close().then(() => undefined as unknown as Disconnected);
    void answer(closed, done);
  }

  setOptions(options: DeviceClientOptions, done: Callback<TransportConfigured>): void {
    // The official transports replace all earlier options, and a `ca` that was set once is gone with the next call.
    this.#link.options = { ...this.#link.options, ...options };
    setCertificate(this.ownProvider, options);
    const { current } = this.#link;
    const configured = current === undefined ? Promise.resolve() : configure(current, this.#link.options);
    void answer<unknown>(configured, done as Callback<unknown>);
  }

  updateSharedAccessSignature(
    sharedAccessSignature: string,
    done: Done<"updateSharedAccessSignature">,
  ): void {
    this.#credentials.update(sharedAccessSignature);
    const { current } = this.#link;
    // Over AMQP the connection takes the new one; otherwise the next connection does, and that is now.
    if (current?.protocol === "amqp") {
      void answer(
        this.#link.run<unknown>("iot.subscribe", (inner, answered) => {
          inner.official.updateSharedAccessSignature(sharedAccessSignature, answered);
        }),
        done as Callback<unknown>,
      );
      return;
    }
    this.#link.replace();
    process.nextTick(done, null, {});
  }

  /** Sends; the promise form of `sendEvent`, and of `sendOutputEvent` when an output is named. */
  send(
    message: Message,
    output?: string,
    operation: IotOperation = "iot.send",
    signal?: AbortSignal,
  ): Promise<MessageEnqueued> {
    let outgoing: OutgoingMessage;
    try {
      outgoing = new OutgoingMessage(message);
      checkedBytes(outgoing);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#link.run<MessageEnqueued>(
      operation,
      (inner, done) => {
        if (sendWithoutJson(inner.official, outgoing, output, done)) return;
        if (output === undefined) inner.official.sendEvent(outgoing, done);
        else inner.official.sendOutputEvent(output, outgoing, done);
      },
      "send",
      signal,
    );
  }

  #sendBatch(
    messages: readonly Message[],
    work: (inner: InnerTransport, outgoing: Message[], done: Callback<MessageEnqueued>) => void,
    done: Callback<MessageEnqueued>,
  ): void {
    const outgoing = messages.map((message) => new OutgoingMessage(message));
    const sent = this.#link.run<MessageEnqueued>("iot.send", (inner, answered) => {
      work(inner, outgoing, answered);
    });
    void answer(sent, done);
  }

  sendEvent(message: Message, done: Callback<MessageEnqueued>): void {
    void answer(this.send(message), done);
  }

  sendOutputEvent(output: string, message: Message, done: Callback<MessageEnqueued>): void {
    void answer(this.send(message, output), done);
  }

  sendEventBatch(messages: Message[], done: Callback<MessageEnqueued>): void {
    this.#sendBatch(
      messages,
      ({ official }, outgoing, answered) => {
        official.sendEventBatch(outgoing, answered);
      },
      done,
    );
  }

  sendOutputEventBatch(output: string, messages: Message[], done: Callback<MessageEnqueued>): void {
    this.#sendBatch(
      messages,
      ({ official }, outgoing, answered) => {
        official.sendOutputEventBatch(output, outgoing, answered);
      },
      done,
    );
  }

  complete(message: Message, done: Done<"complete">): void {
    this.#settle("complete", message, done as Callback<unknown>);
  }

  reject(message: Message, done: Done<"reject">): void {
    this.#settle("reject", message, done as Callback<unknown>);
  }

  abandon(message: Message, done: Done<"abandon">): void {
    this.#settle("abandon", message, done as Callback<unknown>);
  }

  getTwin(done: (error?: Error, twin?: never) => void): void {
    const read = this.#twin.get();
    void answer(read, this.#guarded(done as unknown as Callback<TwinDocument>));
  }

  updateTwinReportedProperties(patch: unknown, done: Callback<void>): void {
    const reported = this.#link.run<unknown>("iot.twin", (inner, answered) => {
      inner.official.updateTwinReportedProperties(patch, answered);
    });
    void answer<unknown>(reported, done as Callback<unknown>);
  }

  onDeviceMethod(methodName: string, handler: MethodHandler): void {
    this.#methods.add(methodName, handler);
    const { current } = this.#link;
    if (current !== undefined) this.#methods.attachOne(current, methodName);
  }

  sendMethodResponse(response: MethodResponse, done: Callback<unknown> = () => undefined): void {
    void answer(this.#answer(response), done);
  }

  /** The official twin digests the document in its callback; one that it chokes on ends the call and not the process. */
  #guarded<T>(done: Callback<T>): Callback<T> {
    return (error, result) => {
      try {
        done(error, result);
      } catch (choked) {
        done(choked as Error);
      }
    };
  }

  #answer(response: MethodResponse): Promise<unknown> {
    return this.#link.run<unknown>(
      "iot.method",
      (inner, done) => {
        inner.official.sendMethodResponse(response, done);
      },
      "settlement",
    );
  }

  #settle(how: "complete" | "reject" | "abandon", message: Message, done: Callback<unknown>): void {
    const { current } = this.#link;
    // MQTT acknowledged it when it arrived: it cannot be given back. Documented, and nothing to fall over.
    if (how !== "complete" && current?.protocol === "mqtt") {
      process.nextTick(done, null, {});
      return;
    }
    const settled = this.#link.run<unknown>(
      "iot.settle",
      (inner, answered) => {
        inner.official[how](message, answered);
      },
      "settlement",
    );
    void answer(settled, done);
  }

  protected override toggle(feature: Feature, on: boolean, done: Callback<void>): void {
    if (on) this.#link.wanted.add(feature);
    else this.#link.wanted.delete(feature);
    // Off is off with the next connection in any case.
    if (!on && this.#link.current === undefined) {
      process.nextTick(done);
      return;
    }
    const toggled = this.#link.run<unknown>("iot.subscribe", (inner, answered) => {
      void answer<unknown>(inner.toggle(feature, on), answered);
    });
    toggled.then(
      () => {
        done();
      },
      (error: unknown) => {
        this.tellFailed("subscribe", error);
        // To the official client an error is an "error" event, and the end of the process. The next connection has it on.
        done();
      },
    );
  }

  #makeLink(previous?: DeviceLink): DeviceLink {
    const link = new DeviceLink(this.#Transport, this.#credentials, this.#resilience, {
      made: (inner) => {
        attachIncoming(inner, {
          emit: (event, ...args) => this.emit(event, ...args),
          desired: (patch) => {
            this.#twin.pushed(patch);
          },
          failed: (topic, error) => {
            this.tellFailed(topic, error);
            if (topic.includes("twin")) this.#twin.resync();
          },
        });
        this.#methods.attach(inner);
      },
      connected: () => {
        this.emit("connected");
        this.#twin.resync();
      },
      failed: (error) => {
        this.emit("disconnect", error);
      },
    });
    if (previous === undefined) return link;
    for (const feature of previous.wanted) link.wanted.add(feature);
    link.options = previous.options;
    return link;
  }

  /** Tells, as an event, of what failed where nobody waits for it. */
  tellFailed(what: string, error: unknown): void {
    tellFailed(this.#resilience, this.#link.name, what, error);
  }
}
