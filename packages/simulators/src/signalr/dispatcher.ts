import type { HubSession } from "./hub-session.ts";
import { errorText, HubException, named } from "./hub-error.ts";
import { hubCall } from "./hub-call.ts";
import type { HubCall, HubMethod } from "./hub.ts";
import type {
  CancelInvocationMessage,
  CompletionMessage,
  InvocationMessage,
  StreamInvocationMessage,
  StreamItemMessage,
} from "./protocol/messages.ts";
import { Upload } from "./upload.ts";

type Call = InvocationMessage | StreamInvocationMessage;
type Incoming = Call | StreamItemMessage | CompletionMessage | CancelInvocationMessage;

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** Runs what a client asks of a hub, and asks clients for results; in the words of ASP.NET Core's dispatcher. */
export class Dispatcher {
  readonly #session: HubSession;
  readonly #ended = new AbortController();
  readonly #streams = new Map<string, AbortController>();
  readonly #uploads = new Map<string, Upload>();
  readonly #results = new Map<
    string,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  readonly #muted = new Set<string>();
  readonly #items = new Map<string, unknown>();
  readonly #waiting: InvocationMessage[] = [];
  #running = 0;
  #lastResult = 0;

  constructor(session: HubSession) {
    this.#session = session;
  }

  /** Aborted when the connection has ended. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** What a hub method gets to know. @param stream - ends what it streams */
  call(stream?: AbortController): HubCall {
    return hubCall(this.#session, this, this.#items, () => stream?.signal ?? this.signal);
  }

  /** What answers this invocation will not be sent. */
  mute(invocationId: string): void {
    this.#muted.add(invocationId);
  }

  dispatch(message: Incoming): void {
    switch (message.type) {
      case 1:
        this.#waiting.push(message);
        this.#runWaiting();
        return;
      case 4:
        this.#run(message, () => undefined);
        return;
      case 2:
        this.#uploads.get(message.invocationId)?.push(message.item);
        return;
      case 3:
        this.#completed(message);
        return;
      case 5:
        this.#streams.get(message.invocationId)?.abort();
        return;
    }
  }

  /** Calls a method at the client. Rejects when it fails there, or the connection ends. */
  invokeClient(target: string, args: readonly unknown[]): Promise<unknown> {
    this.#lastResult += 1;
    const invocationId = `s${String(this.#lastResult)}`;
    return new Promise((resolve, reject) => {
      this.#results.set(invocationId, { resolve, reject });
      this.#session.send({ type: 1, invocationId, target, arguments: args });
    });
  }

  /** A method that waits for its own caller while it is the only one that may run would wait for ever. */
  assertMayWait(): void {
    if (this.#running < this.#limit) return;
    throw named(
      "InvalidOperationException",
      "Client results inside a Hub method requires HubOptions.MaximumParallelInvocationsPerClient to be greater than 1.",
    );
  }

  /** The connection has ended: whatever runs is told. */
  end(): void {
    this.#ended.abort();
    this.#waiting.length = 0;
    for (const stream of this.#streams.values()) stream.abort();
    for (const upload of this.#uploads.values())
      upload.finish(new HubException("The connection was closed."));
    for (const { reject } of this.#results.values()) {
      reject(new HubException(`Connection '${this.#session.connection.id}' disconnected.`));
    }
    this.#results.clear();
  }

  get #limit(): number {
    return this.#session.hub.options.maximumParallelInvocations ?? 1;
  }

  #runWaiting(): void {
    while (this.#running < this.#limit || (this.#waiting[0]?.streamIds?.length ?? 0) > 0) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      // A method with streams from its client does not count: what it waits for comes behind it.
      const counts = (message.streamIds?.length ?? 0) === 0;
      if (counts) this.#running += 1;
      this.#run(message, () => {
        if (!counts) return;
        this.#running -= 1;
        this.#runWaiting();
      });
    }
  }

  #run(message: Call, done: () => void): void {
    const { hub } = this.#session;
    const { target } = message;
    const method = hub.method(target);
    const args = message.arguments;
    const refusal = this.#refusal(message, method);
    if (method === undefined || refusal !== undefined) {
      this.#complete(message.invocationId, { error: refusal ?? "" });
      done();
      return;
    }
    const uploads = (message.streamIds ?? []).map((id) => {
      const upload = new Upload();
      this.#uploads.set(id, upload);
      return upload;
    });
    const stream = message.type === 4 ? new AbortController() : undefined;
    if (stream !== undefined) this.#streams.set(message.invocationId ?? "", stream);
    const finish = (outcome: { error: string } | { result?: unknown }): void => {
      for (const id of message.streamIds ?? []) this.#uploads.delete(id);
      if (stream !== undefined) this.#streams.delete(message.invocationId ?? "");
      this.#complete(message.invocationId, outcome);
      done();
    };
    const fail = (error: unknown): void => {
      const sentence =
        message.type === 4 && isStreaming
          ? "An error occurred on the server while streaming results."
          : `An unexpected error occurred invoking '${target}' on the server.`;
      finish({ error: errorText(sentence, error, hub.options.detailedErrors ?? false) });
    };
    // What fails before it has returned its stream has not begun to stream.
    let isStreaming = false;
    const succeed = (value: unknown): void => {
      if (message.type === 4) {
        if (!isStream(value)) {
          if (method.streams === true) fail(named("InvalidOperationException", noStream(target)));
          else finish({ error: notStreaming(target) });
          return;
        }
        isStreaming = true;
        this.#stream(message.invocationId, value, stream?.signal ?? this.signal).then(() => {
          finish({});
        }, fail);
      } else if (isStream(value)) finish({ error: onlyStreaming(target) });
      else finish({ result: value });
    };
    const call = this.call(stream);
    this.#journal(target, args);
    try {
      const value = method.handler(call, ...args, ...uploads);
      if (isPromise(value)) value.then(succeed, fail);
      else succeed(value);
    } catch (error) {
      fail(error);
    }
  }

  #refusal(message: Call, method: HubMethod | undefined): string | undefined {
    const { target } = message;
    const detailed = this.#session.hub.options.detailedErrors ?? false;
    const unbound = (error: Error): string =>
      errorText(`Failed to invoke '${target}' due to an error on the server.`, error, detailed);
    if (method === undefined) return unbound(new HubException("Method does not exist."));
    const given = message.arguments.length;
    if (method.parameters !== undefined && method.parameters !== given) {
      const text = `Invocation provides ${String(given)} argument(s) but target expects ${String(method.parameters)}.`;
      return unbound(named("InvalidDataException", text));
    }
    if (method.authorize?.(this.call()) === false) {
      return `Failed to invoke '${target}' because user is unauthorized`;
    }
    if (message.type === 1 && method.streams === true) return onlyStreaming(target);
    if (message.type === 4 && method.streams === false) return notStreaming(target);
    const uploads = message.streamIds?.length ?? 0;
    if (method.uploads !== undefined && method.uploads !== uploads) {
      const text = `Client sent ${String(uploads)} stream(s), Hub method expects ${String(method.uploads)}.`;
      return errorText(
        `An unexpected error occurred invoking '${target}' on the server.`,
        new HubException(text),
        detailed,
      );
    }
    return undefined;
  }

  async #stream(invocationId: string, items: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
    const iterator = items[Symbol.asyncIterator]();
    const cancelled = new Promise<undefined>((resolve) => {
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    while (!signal.aborted) {
      const step = await Promise.race([iterator.next(), cancelled]);
      if (step === undefined || step.done === true) break;
      if (!this.#muted.has(invocationId)) {
        this.#session.send({ type: 2, invocationId, item: step.value });
      }
    }
    // A generator that waits for something of its own ends when it gets it; nobody waits for that.
    if (signal.aborted) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }

  #complete(invocationId: string | undefined, outcome: { error: string } | { result?: unknown }): void {
    if (invocationId === undefined || this.#muted.delete(invocationId)) return;
    this.#session.send({ type: 3, invocationId, ...outcome });
  }

  #completed(message: CompletionMessage): void {
    const result = this.#results.get(message.invocationId);
    if (result !== undefined) {
      this.#results.delete(message.invocationId);
      if (message.error === undefined) result.resolve(message.result);
      else result.reject(new HubException(message.error));
      return;
    }
    const { error } = message;
    const upload = this.#uploads.get(message.invocationId);
    upload?.finish(error === undefined ? undefined : new HubException(error));
  }

  #journal(target: string, args: readonly unknown[]): void {
    const { connection, hub } = this.#session;
    const { clock, ledgers, settings } = connection.beginning.simulation;
    if (!settings.journalMessages) return;
    ledgers.invocations.add({
      at: clock.now(),
      hub: hub.name,
      connectionId: connection.id,
      target,
      arguments: args,
    });
  }
}

const onlyStreaming = (target: string): string =>
  `The client attempted to invoke the streaming '${target}' method with a non-streaming invocation.`;

const notStreaming = (target: string): string =>
  `The client attempted to invoke the non-streaming '${target}' method with a streaming invocation.`;

const noStream = (target: string): string =>
  `The value returned by the streaming method '${target}' is not a ChannelReader<> or IAsyncEnumerable<>.`;
