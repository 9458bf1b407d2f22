import { badOption, type AbortSignalLike } from "@holdfast/core";
import { RestCalls, type RestRequest } from "./rest-call.ts";
import { hubOf, serviceSettings, type ServiceOptions } from "./service-options.ts";

/** Which hub of which service. */
export interface ServiceClientOptions extends ServiceOptions {
  readonly hub: string;
}

/** What one call may say besides its work. */
export interface CallOptions {
  /** Ends the call at once, its waits included. */
  readonly signal?: AbortSignalLike;
}

/** What a send may say. */
export interface SendOptions extends CallOptions {
  /** Connections that are left out. */
  readonly excluded?: readonly string[];
}

/**
 * Sends to a hub's clients from anywhere, by the service's REST API: there is no official client for JavaScript. Every call
 * is repeated under the policy; a send whose answer was lost is sent again, so clients may be called twice
 * (`resilience: { policy: { onUnknown: "fail" } }` reports it instead).
 */
export class SignalRServiceClient {
  readonly #calls: RestCalls;
  readonly #hub: string;

  /** @throws HoldfastError `misconfigured`, naming the option, the value and what is allowed */
  constructor(options: ServiceClientOptions) {
    this.#calls = new RestCalls(serviceSettings(options));
    this.#hub = hubOf(options.hub);
  }

  /** Calls a method at every client of the hub. */
  async sendToAll(method: string, args: readonly unknown[] = [], options: SendOptions = {}): Promise<void> {
    return this.#send([], method, args, options);
  }

  /** Calls a method at every client of a user. */
  async sendToUser(
    userId: string,
    method: string,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<void> {
    return this.#send(["users", part("userId", userId)], method, args, options);
  }

  /** Calls a method at every client in a group. */
  async sendToGroup(
    group: string,
    method: string,
    args: readonly unknown[] = [],
    options: SendOptions = {},
  ): Promise<void> {
    return this.#send(["groups", part("group", group)], method, args, options);
  }

  /** Calls a method at one client. */
  async sendToConnection(
    connectionId: string,
    method: string,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<void> {
    return this.#send(["connections", part("connectionId", connectionId)], method, args, options);
  }

  /** Puts a connection into a group. Rejects with status 404 when the connection does not exist. */
  async addConnectionToGroup(connectionId: string, group: string, options: CallOptions = {}): Promise<void> {
    await this.#call("membership", "PUT", this.#member(group, connectionId), options);
  }

  /** Takes a connection out of a group. */
  async removeConnectionFromGroup(
    connectionId: string,
    group: string,
    options: CallOptions = {},
  ): Promise<void> {
    // Gone is out of the group as well.
    await this.#call("membership", "DELETE", this.#member(group, connectionId), options, [404]);
  }

  /** Puts a user's connections, present and future, into a group. */
  async addUserToGroup(userId: string, group: string, options: CallOptions = {}): Promise<void> {
    await this.#call("membership", "PUT", userGroup(userId, group), options);
  }

  /** Takes a user's connections out of a group. */
  async removeUserFromGroup(userId: string, group: string, options: CallOptions = {}): Promise<void> {
    await this.#call("membership", "DELETE", userGroup(userId, group), options, [404]);
  }

  /** Whether a user was put into a group. */
  async userIsInGroup(userId: string, group: string, options: CallOptions = {}): Promise<boolean> {
    return this.#exists(userGroup(userId, group), options);
  }

  /** Whether a connection exists. */
  async connectionExists(connectionId: string, options: CallOptions = {}): Promise<boolean> {
    return this.#exists(["connections", part("connectionId", connectionId)], options);
  }

  /** Whether a user has a connection. */
  async userExists(userId: string, options: CallOptions = {}): Promise<boolean> {
    return this.#exists(["users", part("userId", userId)], options);
  }

  /** Whether a group has a connection. */
  async groupExists(group: string, options: CallOptions = {}): Promise<boolean> {
    return this.#exists(["groups", part("group", group)], options);
  }

  /** Closes a connection; one that does not exist is closed. @param options - `reason` is told to the client */
  async closeConnection(
    connectionId: string,
    { reason, ...options }: CallOptions & { readonly reason?: string } = {},
  ): Promise<void> {
    const path = ["connections", part("connectionId", connectionId)];
    const query = reason === undefined ? [] : [["reason", reason] as const];
    await this.#call("connection", "DELETE", path, options, [404], { query });
  }

  async #send(
    path: readonly string[],
    method: string,
    args: readonly unknown[],
    options: SendOptions,
  ): Promise<void> {
    if (typeof method !== "string" || method === "") throw badOption("method", method, "a method's name");
    await this.#call("send", "POST", path, options, [], {
      verb: "/:send",
      query: (options.excluded ?? []).map((id) => ["excluded", id] as const),
      body: { target: method, arguments: args },
    });
  }

  async #exists(path: readonly string[], options: CallOptions): Promise<boolean> {
    const response = await this.#call("exists", "HEAD", path, options, [404]);
    return response.ok;
  }

  #call(
    operation: string,
    method: RestRequest["method"],
    path: readonly string[],
    { signal }: CallOptions,
    expected: readonly number[] = [],
    { verb = "", ...rest }: Pick<RestRequest, "query" | "body"> & { readonly verb?: string } = {},
  ): Promise<Response> {
    const parts = ["api", "hubs", this.#hub, ...path].map((each) => encodeURIComponent(each));
    return this.#calls.send(`signalr.${operation}`, {
      ...{ method, expected, signal },
      ...rest,
      path: `/${parts.join("/")}${verb}`,
    });
  }

  #member(group: string, connectionId: string): string[] {
    return ["groups", part("group", group), "connections", part("connectionId", connectionId)];
  }
}

const userGroup = (userId: string, group: string): string[] => [
  "users",
  part("userId", userId),
  "groups",
  part("group", group),
];

/** A name in a path. Empty, or one that URLs take for a way up, it would address something larger: everybody. */
function part(name: string, value: string): string {
  if (typeof value !== "string" || !/^(?!\.{1,2}$)[^]{1,1024}$/.test(value)) {
    throw badOption(name, value, 'a text of 1 to 1024 characters, and not "." or ".."');
  }
  return value;
}
