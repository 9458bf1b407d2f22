import { nextWait } from "./backoff.ts";
import type {
  ConnectionEffect,
  ConnectionEvent,
  ConnectionNews,
  ConnectionState,
} from "./connection-state.ts";
import { decide, hintOf } from "./decide.ts";
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

type Status = ConnectionState["status"];
type State<S extends Status> = Extract<ConnectionState, { status: S }>;
type EventType = ConnectionEvent["type"];
type Move<S extends Status, T extends EventType> = (
  state: State<S>,
  event: Extract<ConnectionEvent, { type: T }>,
  rules: ReconnectRules,
) => Step;

/** What every event but `close` has. */
interface Timed {
  readonly at: number;
}

/** Before anything was asked for. */
export const idle: ConnectionState = { status: "idle", generation: 0 };

/** What follows which event, by state. What is not named changes nothing; `close` ends them all. */
const moves: { readonly [S in Status]: { readonly [T in EventType]?: Move<S, T> } } = {
  idle: { start },
  waiting: { wake, due },
  // Lost before it was open: the attempt has failed, whatever it reports later.
  connecting: { opened, "open-failed": trouble, lost: trouble },
  connected: { opened: stay, lost: trouble, replace },
  failed: { start },
  closed: {},
};

/**
 * One step in the life of a connection: pure, total, and the one place where it is decided when to connect. What is
 * repeated, and after which wait, `decide()` says. Losing a connection counts as the first fault, so that the first attempt
 * waits at random and a crowd that was dropped together does not return together.
 */
export function step(state: ConnectionState, event: ConnectionEvent, rules: ReconnectRules): Step {
  if (event.type === "close") return close(state);
  const isLate = "generation" in event && event.generation !== state.generation;
  const move = moves[state.status][event.type] as Move<never, never> | undefined;
  if (!isLate && move) return move(state as never, event as never, rules);
  // A late success is a connection that nobody wants.
  return event.type === "opened" ? { state, effects: [discard(event.generation)] } : stay(state);
}

function start({ generation }: ConnectionState, { at }: Timed, rules: ReconnectRules): Step {
  const { spreadStartMs, random } = rules;
  const outage = freshOutage(at);
  return spreadStartMs > 0
    ? wait(generation, at, outage, random() * spreadStartMs, 0)
    : open(generation, outage);
}

function wake(state: State<"waiting">, { at }: Timed, { policy, random }: ReconnectRules): Step {
  if (state.isWoken) return stay(state);
  // Everybody hears of the network's return at once, so it shortens the wait to a first one, and not to nothing.
  const soon = at + nextWait(policy.backoff, 0, random, undefined);
  const until = Math.min(state.until, Math.max(soon, state.notBefore));
  return waitingOn({ ...state, until, isWoken: true }, Math.max(0, until - at));
}

function due(state: State<"waiting">, { at }: Timed): Step {
  const { generation, until, outage } = state;
  return at < until ? waitingOn(state, until - at) : open(generation, outage);
}

function opened({ generation, outage }: State<"connecting">, { at }: Timed): Step {
  const news = tell({ type: "connected", attempts: outage.attempts, downMs: at - outage.since });
  return { state: { status: "connected", generation, since: at, outage }, effects: [news] };
}

function replace({ generation, since }: State<"connected">, { at }: Timed): Step {
  const about = { connectedMs: at - since, flaps: 0, fault: undefined, waitMs: 0 };
  const news = tell({ type: "disconnected", ...about });
  return after([discard(generation), news], open(generation, freshOutage(at)));
}

function close(state: ConnectionState): Step {
  const { status, generation } = state;
  if (status === "closed") return stay(state);
  const isAtRest = status === "idle" || status === "failed";
  const end: ConnectionEffect = status === "waiting" ? { type: "stop-waiting" } : discard(generation);
  return { state: { status: "closed", generation }, effects: isAtRest ? [] : [end] };
}

/** The connection was lost, or an attempt has failed. */
function trouble(
  state: State<"connected" | "connecting">,
  { at, fault: seen }: Timed & { readonly fault: Fault },
  { policy, random, minimumConnectedMs }: ReconnectRules,
): Step {
  const { generation } = state;
  const isLoss = state.status === "connected";
  const fault = asKnown(seen, isLoss);
  const before = isLoss ? outageAfter(state.outage, state.since, at, minimumConnectedMs) : state.outage;
  const outage = withFault(before, fault, policy);
  const { attempts, counted, waitMs: previousWaitMs } = outage;
  const elapsedMs = at - outage.since;
  const ofKind = faultsOfKind(outage, fault.kind);
  // To connect twice does no harm, so it never matters whether the attempt reached the service.
  const harmless: Fault = { ...fault, sent: "no" };
  const decision = decide(harmless, { elapsedMs, counted, ofKind, previousWaitMs }, policy, random);
  let waitMs = decision.retry ? decision.waitMs : 0;
  // Whoever lost it at this moment lost it with others, also when a new token is the cure (all were issued together). One
  // refresh may follow a failed attempt at once; what fails again after it has to wait like everything else.
  if (decision.retry && decision.action !== "retry" && (isLoss || ofKind > 1)) {
    waitMs += nextWait(policy.backoff, ofKind - 1, random, previousWaitMs);
  }
  const effects = [discard(generation)];
  if (isLoss) {
    const { flaps } = outage;
    effects.push(tell({ type: "disconnected", connectedMs: at - state.since, flaps, fault: seen, waitMs }));
  }
  if (!decision.retry) {
    const { reason } = decision;
    effects.push(tell({ type: "give-up", attempts, elapsedMs, reason, fault }));
    return { state: { status: "failed", generation, reason, fault }, effects };
  }
  if (!isLoss) effects.push(tell({ type: "retry", attempt: attempts, waitMs, fault }));
  return after(effects, wait(generation, at, { ...outage, waitMs }, waitMs, hintOf(fault)));
}

/** Gone is gone: a reason that nobody knows makes it no less worth having, nor does an abort, which is the official client's own. */
function asKnown(fault: Fault, isLoss: boolean): Fault {
  const isVague = fault.kind === "cancelled" || (isLoss && fault.kind === "unknown");
  return isVague ? { ...fault, kind: "disconnected" } : fault;
}

function wait(generation: number, at: number, outage: Outage, waitMs: number, hintMs: number): Step {
  const times = { until: at + waitMs, notBefore: at + hintMs };
  return waitingOn({ status: "waiting", generation, isWoken: false, outage, ...times }, waitMs);
}

function waitingOn(state: State<"waiting">, waitMs: number): Step {
  return { state, effects: [{ type: "wait", generation: state.generation, waitMs }] };
}

function open(previous: number, outage: Outage): Step {
  const generation = previous + 1;
  const attempt = outage.attempts + 1;
  return {
    state: { status: "connecting", generation, outage: { ...outage, attempts: attempt } },
    effects: [{ type: "open", generation, attempt }],
  };
}

function after(effects: readonly ConnectionEffect[], next: Step): Step {
  return { state: next.state, effects: [...effects, ...next.effects] };
}

function stay(state: ConnectionState): Step {
  return { state, effects: [] };
}

const discard = (generation: number): ConnectionEffect => ({ type: "discard", generation });
const tell = (news: ConnectionNews): ConnectionEffect => ({ type: "tell", news });
