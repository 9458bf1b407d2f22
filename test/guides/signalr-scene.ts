import { LogLevel, type IHttpConnectionOptions } from "@microsoft/signalr";
import {
  HubConnectionBuilder,
  type HubConnection,
  type ResilienceOptions,
  type SignalREvent,
} from "@holdfast/signalr";
import { signalr, type SignalROptions, type SignalRSimulator } from "@holdfast/simulators/signalr";

/** A service with the hub `chat`. */
export async function chatService(options: SignalROptions = {}): Promise<SignalRSimulator> {
  const sim = await signalr({ hubs: ["chat"], ...options });
  sim.hub("chat").on("Echo", (_, value: unknown) => value);
  return sim;
}

/** Our client with its default policies, and what it tells. */
export function ours(
  url: string,
  resilience: ResilienceOptions = {},
  http: IHttpConnectionOptions = {},
  also: (builder: HubConnectionBuilder) => unknown = () => undefined,
): { readonly connection: HubConnection; readonly events: SignalREvent[] } {
  const events: SignalREvent[] = [];
  const builder = new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(url, http)
    .withResilience({ onEvent: (event) => events.push(event), ...resilience });
  also(builder);
  return { connection: builder.build(), events };
}

/** Waits for a condition, not for a time. */
export async function until(condition: () => boolean, withinMs = 60_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Still not so after ${String(withinMs)} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The state as a word. */
export const stateOf = (connection: { readonly state: string }): string => connection.state;
