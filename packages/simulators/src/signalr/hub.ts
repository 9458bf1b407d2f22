import { hubClients, type Audience, type HubCallClients, type HubClients } from "./hub-clients.ts";
import { Groups } from "./groups.ts";
import type { HubSession } from "./hub-session.ts";
import type { Claims } from "./http/json-web-token.ts";
import type { HubOptions, RequestView, TransportName } from "./options.ts";

/** What a hub method knows of its caller: ASP.NET Core's `Hub` and `HubCallerContext`. */
export interface HubCall {
  readonly connectionId: string;
  readonly userId: string | undefined;
  readonly claims: Claims;
  readonly transport: TransportName | undefined;
  /** The encoding that the connection agreed on. */
  readonly protocol: "json" | "messagepack" | undefined;
  /** The request that opened the connection. */
  readonly request: RequestView;
  /** Kept for the connection's life. */
  readonly items: Map<string, unknown>;
  readonly clients: HubCallClients;
  readonly groups: Groups;
  /** Aborted when the connection ends, and for streams when the client cancels. */
  readonly signal: AbortSignal;
  /** Ends the caller's connection, without an error. */
  abort(): void;
}

/**
 * A hub method. What it returns, or the promise resolves to, goes to the caller; an async iterable is streamed. Streams
 * that the client sends come as async iterables behind the other arguments.
 */
// The arguments are whatever the client sent: the author of the hub says what they are.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type HubHandler = (call: HubCall, ...args: any[]) => unknown;

/** What is checked before a method runs. */
export interface HubMethodOptions {
  /** How many arguments it takes. Default: any number. */
  readonly parameters?: number;
  /** How many streams it takes. Default: any number. */
  readonly uploads?: number;
  /** Whether it streams. Default: known from `async function*`, else from what it returns. */
  readonly streams?: boolean;
  /** Whether the caller may; "because user is unauthorized" if not. */
  readonly authorize?: (call: HubCall) => boolean;
}

/** A registered method. @internal */
export interface HubMethod extends HubMethodOptions {
  readonly handler: HubHandler;
}

type Lifetime = (call: HubCall) => unknown;

/** Whether a handler is an `async function*`, which can only stream. */
const isAsyncGenerator = (handler: HubHandler): boolean =>
  Object.prototype.toString.call(handler) === "[object AsyncGeneratorFunction]";

/** A hub: its methods, and who is connected. Names of methods are case-insensitive. */
export class Hub {
  readonly name: string;
  /** Groups and who is in them. */
  readonly groups = new Groups();
  /** Everybody who is connected, to be called from outside a method. */
  readonly clients: HubClients;
  /** @internal */
  readonly options: HubOptions;
  /** @internal */
  readonly audience: Audience;
  /** @internal */
  readonly connected: Lifetime[] = [];
  /** @internal */
  readonly disconnected: Lifetime[] = [];
  readonly #methods = new Map<string, HubMethod>();
  readonly #sessions = new Map<string, HubSession>();

  /** @internal Hubs come from the simulator's `hub()`. */
  constructor(options: HubOptions) {
    this.name = options.name;
    this.options = options;
    this.audience = {
      sessions: () => this.#sessions.values(),
      session: (id) => this.#sessions.get(id),
      inGroup: (group) =>
        [...this.#sessions.values()].filter(({ connection: { id, beginning } }) =>
          this.groups.has(id, beginning.identity.userId, group),
        ),
    };
    this.clients = hubClients(this.audience);
  }

  /** Registers a method; a later one of the same name replaces it. */
  on(name: string, handler: HubHandler, options: HubMethodOptions = {}): this {
    const streams = options.streams ?? (isAsyncGenerator(handler) ? true : undefined);
    this.#methods.set(name.toLowerCase(), {
      ...options,
      handler,
      ...(streams === undefined ? {} : { streams }),
    });
    return this;
  }

  /** Forgets a method: calling it fails as for a method that never was. */
  off(name: string): this {
    this.#methods.delete(name.toLowerCase());
    return this;
  }

  /** Runs before a new connection's first message; a failure closes the connection. */
  onConnected(listener: Lifetime): this {
    this.connected.push(listener);
    return this;
  }

  /** Runs when a connection has ended. */
  onDisconnected(listener: Lifetime): this {
    this.disconnected.push(listener);
    return this;
  }

  /** The ids of the connections that are open now. */
  get connectionIds(): string[] {
    return [...this.#sessions.keys()];
  }

  /** Closes connections with a message of type 7. @param only - their ids; default all */
  close(
    { error, allowReconnect }: { error?: string; allowReconnect?: boolean } = {},
    only: readonly string[] = this.connectionIds,
  ): void {
    for (const id of only) {
      this.#sessions.get(id)?.close({
        ...(error === undefined ? {} : { error }),
        ...(allowReconnect === undefined ? {} : { allowReconnect }),
      });
    }
  }

  /** @internal */
  method(name: string): HubMethod | undefined {
    return this.#methods.get(name.toLowerCase());
  }

  /** @internal */
  opened(session: HubSession): void {
    this.#sessions.set(session.connection.id, session);
  }

  /** @internal */
  ended(session: HubSession): void {
    this.#sessions.delete(session.connection.id);
    this.groups.remove(session.connection.id);
  }
}
