import type { Target } from "./work.ts";

/** What the demo works with: a service, arranged to fail. */
export interface Service extends AsyncDisposable {
  readonly target: Target;
  /** Begins the scenario's faults. */
  arrange(scene: Scene): Promise<void>;
  /** The order numbers of a run that have arrived, one for each message. */
  storedOrders(run: string): Promise<readonly number[]>;
}

/** A client at work, as the service that arranges its faults sees it. */
export interface Scene {
  /** Marks the messages of this run. */
  readonly run: string;
  readonly orders: number;
  readonly everyMs: number;
  /** Resolves when the client has sent its first order, or is ready to receive. */
  readonly begun: Promise<void>;
  /** The person who watches wants no more. */
  readonly stopped: AbortSignal;
  /** The service itself has sent this order; the client reports it when it arrives. */
  sent(order: number): void;
}
