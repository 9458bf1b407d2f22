import { timed } from "../../../test/own-time/own-time.ts";
import { HttpTransportType, LogLevel, type IHttpConnectionOptions } from "@microsoft/signalr";
import {
  backoff,
  HubConnectionBuilder,
  signalrPolicies,
  type HubConnection,
  type ResilienceOptions,
  type SignalREvent,
} from "@holdfast/signalr";
import { signalr, type SignalROptions, type SignalRSimulator } from "@holdfast/simulators/signalr";

/** Waits of a fraction of the defaults', for what is not about how long they are. */
export const quick = signalrPolicies({
  "signalr.start": { backoff: backoff.decorrelated({ baseMs: 30, capMs: 300 }) },
  "signalr.reconnect": { backoff: backoff.decorrelated({ baseMs: 30, capMs: 300 }) },
});

export interface SceneOptions {
  readonly simulator?: SignalROptions;
  readonly resilience?: ResilienceOptions;
  readonly http?: IHttpConnectionOptions;
  readonly also?: (builder: HubConnectionBuilder) => unknown;
}

/** A service with the hub `chat`, and a connection to it that was not started. */
export interface Scene extends AsyncDisposable {
  readonly sim: SignalRSimulator;
  readonly connection: HubConnection;
  readonly events: SignalREvent[];
  /** Another connection of the same kind. */
  another(more?: SceneOptions): HubConnection;
}

export const transports = [
  ["WebSockets", HttpTransportType.WebSockets],
  ["ServerSentEvents", HttpTransportType.ServerSentEvents],
  ["LongPolling", HttpTransportType.LongPolling],
] as const;

export async function scene(options: SceneOptions = {}): Promise<Scene> {
  const sim = await signalr({ hubs: ["chat"], ...options.simulator });
  sim.hub("chat").on("Echo", (_, value: unknown) => value);
  const events: SignalREvent[] = [];
  const made: HubConnection[] = [];
  const another = (more: SceneOptions = {}): HubConnection => {
    const builder = new HubConnectionBuilder()
      .configureLogging(LogLevel.None)
      .withUrl(sim.url("chat"), { ...options.http, ...more.http })
      .withResilience({
        policies: quick,
        onEvent: (event) => events.push(event),
        ...options.resilience,
        ...more.resilience,
      });
    options.also?.(builder);
    const connection = builder.build();
    made.push(connection);
    return connection;
  };
  return {
    ...{ sim, events, another, connection: another() },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(made.map((one) => one.stop()));
      await sim.close();
    },
  };
}

/** The state as a word. */
export const stateOf = (connection: { readonly state: string }): string => connection.state;

/** Waits until it has come back, and returns the new id. */
export async function returned(
  { sim, connection }: Scene,
  others: readonly (string | null)[],
): Promise<string> {
  await until(() => stateOf(connection) === "Connected" && !others.includes(connection.connectionId));
  await until(() => sim.journal.alive().length > 0);
  return connection.connectionId ?? "";
}

/** Waits for a condition, not for a time. */
export async function until(condition: () => boolean, withinMs = 60_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end)
      throw new Error(`Still not so after ${String(withinMs)} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How a promise ended, and after how long. */
export const outcome = timed;
