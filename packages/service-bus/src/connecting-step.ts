import type { ServiceBusClient } from "@azure/service-bus";
import type { Classify, ConnectingStep, Fault } from "@holdfast/core";

interface Terminus {
  readonly address?: string;
}

/** An endpoint of the AMQP engine, whether a link or more. */
interface Endpoint {
  readonly state?: { readonly local_open?: boolean; readonly remote_open?: boolean };
  /** What a link was asked for with. */
  readonly options?: { readonly source?: Terminus; readonly target?: Terminus };
  readonly links?: Readonly<Record<string, Endpoint>>;
}

/** What tells how far an official client has come. Private there: a test fails when a version changes it. */
interface Private {
  readonly _connectionContext?: {
    readonly connection?: {
      readonly _connection?: Endpoint & {
        readonly socket?: { connecting?: boolean; localPort?: number; encrypted?: boolean };
        readonly socket_ready?: boolean;
        readonly local_channel_map?: Readonly<Record<string, Endpoint>>;
      };
    };
    readonly cbsSession?: {
      isOpen?(): boolean;
      readonly _cbsSenderReceiverLink?: { readonly _responsesMap?: ReadonlyMap<string, unknown> };
    };
  };
}

/**
 * The step of connecting that an official client waits in for the link to an entity, as far as it can be seen: undefined when
 * it waits for nothing, or behind a WebSocket, which does not show.
 */
function stepAwaited(client: ServiceBusClient, entityPath: string): ConnectingStep | undefined {
  const context = (client as unknown as Private)._connectionContext;
  const engine = context?.connection?._connection;
  const socket = engine?.socket;
  if (engine === undefined || socket === undefined) return undefined;
  if (engine.socket_ready !== true) {
    // The system gives a port once it is told whom to connect to.
    if (socket.connecting === true) return socket.localPort === undefined ? "dns" : "tcp";
    return socket.connecting === false && socket.encrypted === true ? "tls" : undefined;
  }
  if (engine.state?.remote_open !== true) return "amqp";
  const states = linksTo(entityPath, engine.local_channel_map).map(({ state }) => state);
  if (states.some((state) => state?.local_open === true && state.remote_open !== true)) return "link";
  const cbs = context?.cbsSession;
  if (cbs?.isOpen?.() === false) return "authorization";
  const isAnswered = (cbs?._cbsSenderReceiverLink?._responsesMap?.size ?? 0) === 0;
  return isAnswered || states.length > 0 ? undefined : "authorization";
}

function linksTo(entityPath: string, sessions: Readonly<Record<string, Endpoint>> = {}): Endpoint[] {
  const path = entityPath.toLowerCase();
  return Object.values(sessions)
    .flatMap(({ links = {} }) => Object.values(links))
    .filter(({ options }) =>
      [options?.source, options?.target].some((end) => end?.address?.toLowerCase() === path),
    );
}

/** What was seen when an error came to pass, which itself does not tell. */
const steps = new WeakMap<object, ConnectingStep>();

/** Remembers how far the client has come; call it before anything is given up. */
export function noteAwaited(error: unknown, client: ServiceBusClient, entityPath: string): void {
  const step = stepAwaited(client, entityPath);
  if (step !== undefined && typeof error === "object" && error !== null) steps.set(error, step);
}

/** Remembers that the error came while a link was being opened, so that a refusal was one of connecting. */
export function noteRefused(error: unknown, { kind, id }: Fault): void {
  const step = refusedAt(kind, id);
  if (step !== undefined && typeof error === "object" && error !== null) steps.set(error, step);
}

function refusedAt(kind: Fault["kind"], id: string): ConnectingStep | undefined {
  if (kind === "auth") return "authorization";
  // The thousandth and first token; a link too many is refused as a link.
  if (kind === "token-limit") return id === "SB-17" ? "authorization" : "link";
  return kind === "not-found" || kind === "quota" || kind === "conflict" ? "link" : undefined;
}

/** Adds what was noted of an error to what its text tells. */
export function withSteps(classify: Classify): Classify {
  return (error, wallNowMs) => {
    const fault = classify(error, wallNowMs);
    const step = steps.get(error as object);
    return step === undefined ? fault : { ...fault, step };
  };
}
