import { nextWait } from "./backoff.ts";
import type {
  ConnectionEffect,
  ConnectionEvent,
  ConnectionNews,
  ConnectionState,
  Remedy,
} from "./connection-state.ts";
import { decide, type Decision } from "./decide.ts";
import type { Fault } from "./fault.ts";
import { faultsOfKind, freshOutage, outageAfter, withFault, type Outage } from "./outage.ts";
import type { Policy } from "./policy.ts";
import type { Random } from "./random.ts";

/** What the machine is told beside its state. */
export interface ReconnectRules {
  readonly policy: Policy;
  readonly random: Random;
  /** A connection that is lost sooner than this continues the outage before it, in milliseconds. */
  readonly minimumConnectedMs: number;
  /** The first attempt of all begins within this time, at random, in milliseconds: 0 is at once. */
  readonly spreadStartMs: number;
}

export interface Step {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

type Retry = Extract<Decision, { retry: true }>;
type State<S extends ConnectionState["status"]> = Extract<ConnectionState, { status: S }>;
type Report = Extract<ConnectionEvent, { generation: number }>;

/** Before anything was asked for. */
export const idle: ConnectionState = Object.freeze({ status: "idle", generation: 0 });

/**
 * One step in the life of a connection: pure, total, and the one place where it is decided when to connect. What is
 * repeated, and after which wait, `decide()` says. Losing a connection counts as the first fault, so that the first attempt
 * waits at random and a crowd that was dropped together does not return together.
 */
export function step(state: ConnectionState, event: ConnectionEvent, rules: ReconnectRules): Step {
  switch (event.type) {
    case "start":
      return state.status === "idle" || state.status === "failed"
        ? start(state, event.at, rules)
        : stay(state);
    case "wake":
      return state.status === "waiting" ? wake(state, event.at, rules) : stay(state);
    case "replace":
      return state.status === "connected" ? replace(state, event.at) : stay(state);
    case "close":
      return close(state);
    case "due":
    case "opened":
    case "open-failed":
    case "lost":
    case "acted":
    case "act-failed":
      return report(state, event, rules);
  }
}

function report(state: ConnectionState, event: Report, rules: ReconnectRules): Step {
  if (event.generation === state.generation) {
    if (state.status === "waiting" && event.type === "due") return due(state, event.at);
    if (state.status === "acting" && event.type === "acted") return rest(state, event.at);
    if (state.status === "acting" && event.type === "act-failed") return again(state, event, rules);
    if (state.status === "connecting" && event.type === "opened") return opened(state, event.at);
    // Lost before it was open: the attempt has failed, whatever it reports later.
    if (state.status === "connecting" && (event.type === "open-failed" || event.type === "lost")) {
      return again(state, event, rules);
    }
    if (state.status === "connected" && event.type === "lost") return lost(state, event, rules);
    if (state.status === "connected" && event.type === "opened") return stay(state);
  }
  // A late success is a connection that nobody wants.
  return event.type === "opened"
    ? { state, effects: [{ type: "discard", generation: event.generation }] }
    : stay(state);
}

function start(state: State<"idle" | "failed">, at: number, rules: ReconnectRules): Step {
  const outage = freshOutage(at);
  const waitMs = rules.spreadStartMs > 0 ? rules.random() * rules.spreadStartMs : 0;
  return waitMs > 0
    ? wait(state.generation, at, waitMs, 0, outage, undefined, [])
    : open(state.generation, outage, []);
}

function wake(state: State<"waiting">, at: number, rules: ReconnectRules): Step {
  if (state.isWoken) return stay(state);
  // Everybody hears of the network's return at once, so it shortens the wait to a first one, and not to nothing.
  const soon = at + nextWait(rules.policy.backoff, 0, rules.random, undefined);
  const until = Math.min(state.until, Math.max(soon, state.notBefore));
  const effect = { type: "wait", generation: state.generation, waitMs: Math.max(0, until - at) } as const;
  return { state: { ...state, until, isWoken: true }, effects: [effect] };
}

function due(state: State<"waiting">, at: number): Step {
  const { generation, until, remedy, outage } = state;
  if (at >= until) {
    return remedy === undefined ? open(generation, outage, []) : act(generation, remedy, 0, 0, outage, []);
  }
  return { state, effects: [{ type: "wait", generation, waitMs: until - at }] };
}

function opened(state: State<"connecting">, at: number): Step {
  const { generation, outage } = state;
  const news = { type: "connected", attempts: outage.attempts, downMs: at - outage.since } as const;
  return { state: { status: "connected", generation, since: at, outage }, effects: [tell(news)] };
}

function lost(
  state: State<"connected">,
  event: { readonly at: number; readonly fault: Fault },
  rules: ReconnectRules,
): Step {
  const connectedMs = event.at - state.since;
  const outage = outageAfter(state.outage, state.since, event.at, rules.minimumConnectedMs);
  // Gone is gone: a reason that nobody knows, or that the official client itself is, makes it no less worth having.
  const { kind } = event.fault;
  const fault = kind === "unknown" || kind === "cancelled" ? asDisconnected(event.fault) : event.fault;
  const next = withFault(outage, fault, rules.policy);
  const decision = decideOn(next, fault, event.at, rules);
  // Whoever lost it at this moment lost it with others, also when a new token is the cure (all were issued together).
  const waitMs = decision.retry ? spread(decision, fault, next, rules) : 0;
  const { flaps } = next;
  const news = { type: "disconnected", connectedMs, flaps, fault: event.fault, waitMs } as const;
  const effects = [discard(state.generation), tell(news)];
  return decision.retry
    ? follow(state, event.at, decision.action, waitMs, fault, next, effects)
    : fail(state.generation, event.at, decision.reason, fault, next, effects);
}

/** An attempt, or what was to make the next one succeed, has failed. */
function again(
  state: State<"connecting" | "acting">,
  event: { readonly at: number; readonly fault: Fault },
  rules: ReconnectRules,
): Step {
  // Nobody who is still interested aborted it: the official client gave up by itself.
  const fault = event.fault.kind === "cancelled" ? asDisconnected(event.fault) : event.fault;
  const next = withFault(state.outage, fault, rules.policy);
  const decision = decideOn(next, fault, event.at, rules);
  const effects = [discard(state.generation)];
  if (!decision.retry) return fail(state.generation, event.at, decision.reason, fault, next, effects);
  // One refresh may follow at once; what fails again after it has to wait like everything else.
  const isFirst = faultsOfKind(next, fault.kind) === 1;
  const waitMs = isFirst ? decision.waitMs : spread(decision, fault, next, rules);
  effects.push(tell({ type: "retry", attempt: next.attempts, waitMs, fault }));
  return follow(state, event.at, decision.action, waitMs, fault, next, effects);
}

/** After a remedy the wait, if any. */
function rest(state: State<"acting">, at: number): Step {
  const { generation, outage, waitMs, hintMs } = state;
  return waitMs > 0
    ? wait(generation, at, waitMs, hintMs, outage, undefined, [])
    : open(generation, outage, []);
}

function replace(state: State<"connected">, at: number): Step {
  const connectedMs = at - state.since;
  const news = { type: "disconnected", connectedMs, flaps: 0, fault: undefined, waitMs: 0 } as const;
  return open(state.generation, freshOutage(at), [discard(state.generation), tell(news)]);
}

function close(state: ConnectionState): Step {
  const { status, generation } = state;
  if (status === "closed") return stay(state);
  const isAtRest = status === "idle" || status === "failed";
  const end: ConnectionEffect = status === "waiting" ? { type: "stop-waiting" } : discard(generation);
  return { state: { status: "closed", generation }, effects: isAtRest ? [] : [end] };
}

function follow(
  state: State<"connecting" | "acting" | "connected">,
  at: number,
  action: Retry["action"],
  waitMs: number,
  fault: Fault,
  outage: Outage,
  effects: readonly ConnectionEffect[],
): Step {
  const { generation } = state;
  const hintMs = hintOf(fault);
  const waited = { ...outage, waitMs };
  if (action !== "retry") return act(generation, { action, fault }, waitMs, hintMs, waited, effects);
  // A remedy that failed is still what the next attempt needs.
  const remedy = state.status === "acting" ? state.remedy : undefined;
  return wait(generation, at, waitMs, hintMs, waited, remedy, effects);
}

function act(
  previous: number,
  remedy: Remedy,
  waitMs: number,
  hintMs: number,
  outage: Outage,
  effects: readonly ConnectionEffect[],
): Step {
  const generation = previous + 1;
  return {
    state: { status: "acting", generation, remedy, waitMs, hintMs, outage },
    effects: [...effects, { type: "act", generation, remedy }],
  };
}

function wait(
  generation: number,
  at: number,
  waitMs: number,
  hintMs: number,
  outage: Outage,
  remedy: Remedy | undefined,
  effects: readonly ConnectionEffect[],
): Step {
  return {
    state: {
      ...{ status: "waiting", generation, isWoken: false, remedy, outage },
      until: at + waitMs,
      notBefore: at + hintMs,
    },
    effects: [...effects, { type: "wait", generation, waitMs }],
  };
}

function open(previous: number, outage: Outage, effects: readonly ConnectionEffect[]): Step {
  const generation = previous + 1;
  const attempt = outage.attempts + 1;
  return {
    state: { status: "connecting", generation, outage: { ...outage, attempts: attempt } },
    effects: [...effects, { type: "open", generation, attempt }],
  };
}

function fail(
  generation: number,
  at: number,
  reason: State<"failed">["reason"],
  fault: Fault,
  outage: Outage,
  effects: readonly ConnectionEffect[],
): Step {
  const { attempts, since } = outage;
  const news = { type: "give-up", attempts, elapsedMs: at - since, reason, fault } as const;
  return { state: { status: "failed", generation, reason, fault }, effects: [...effects, tell(news)] };
}

function decideOn(outage: Outage, fault: Fault, at: number, { policy, random }: ReconnectRules): Decision {
  const progress = {
    elapsedMs: at - outage.since,
    counted: outage.counted,
    ofKind: faultsOfKind(outage, fault.kind),
    previousWaitMs: outage.waitMs,
  };
  // To connect twice does no harm, so it never matters whether the attempt reached the service.
  return decide({ ...fault, sent: "no" }, progress, policy, random);
}

/** The decision's wait, with jitter where it has none. */
function spread(decision: Retry, fault: Fault, outage: Outage, { policy, random }: ReconnectRules): number {
  if (decision.action === "retry") return decision.waitMs;
  const retry = faultsOfKind(outage, fault.kind) - 1;
  return decision.waitMs + nextWait(policy.backoff, retry, random, outage.waitMs);
}

function asDisconnected(fault: Fault): Fault {
  return { ...fault, kind: "disconnected" };
}

function hintOf({ hintMs }: Fault): number {
  return hintMs !== undefined && hintMs > 0 ? hintMs : 0;
}

const stay = (state: ConnectionState): Step => ({ state, effects: [] });
const discard = (generation: number): ConnectionEffect => ({ type: "discard", generation });
const tell = (news: ConnectionNews): ConnectionEffect => ({ type: "tell", news });
