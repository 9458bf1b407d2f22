import {
  blackHole,
  delayAcknowledgement,
  dropConnection,
  halfOpen,
  ignore,
} from "@holdfast/simulators/service-bus";
import { systemClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { lockSignal, serviceBusPolicies } from "@holdfast/service-bus";
import { ownTime, timed } from "../../../test/own-time/own-time.ts";
import { queue, receivingBench, recording, sleep } from "./receiving-bench.ts";

const inSession = (sessionId: string, count: number) =>
  Array.from({ length: count }, (_, body) => ({ body, sessionId }));

describe.concurrent("a session", () => {
  it("is accepted by its id, hands out its messages in order, and is free when it is closed", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("a", 20));
    const session = await at.client.acceptSession(queue, "a");
    here(session.sessionId).toBe("a");
    const handlers = recording();
    session.subscribe(handlers);
    await here.poll(() => at.bus.journal.settled(queue).length).toBe(20);
    here(handlers.bodies).toEqual(Array.from({ length: 20 }, (_, index) => index));
    await session.close();
    here(session.isClosed).toBe(true);
    here(at.bus.queue(queue).heldSessions).toEqual([]);
  });

  it("is the next that is free, and none is a timeout after the user's own time", async ({
    expect: here,
  }) => {
    await using at = await receivingBench(
      { requiresSession: true },
      { retryOptions: { timeoutInMs: 1_500 } },
    );
    await at.fill(inSession("b", 1));
    const session = await at.client.acceptNextSession(queue);
    here(session.sessionId).toBe("b");
    const { ms, ownMs, error } = await timed(at.client.acceptNextSession(queue));
    here(error).toMatchObject({ code: "ServiceTimeout" });
    here(ms).toBeGreaterThan(1_000);
    here(ownMs).toBeLessThan(5_000);
    here(at.bus.journal.sessions(queue).filter(({ event }) => event === "timed-out")).toHaveLength(1);
  });

  it("SBC-013 that is held is refused at once, or waited for", async ({ expect: here }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("c", 1));
    const holder = await at.client.acceptSession(queue, "c");
    const { error, ownMs } = await timed(at.client.acceptSession(queue, "c"));
    here(error).toMatchObject({ code: "SessionCannotBeLocked" });
    here(ownMs).toBeLessThan(2_000);
    const waiting = timed(at.client.acceptSession(queue, "c", { whenHeld: "wait" }));
    await sleep(1_500);
    await holder.close();
    const { value } = await waiting;
    here(value?.sessionId).toBe("c");
  });

  it("SBC-056 is renewed over a failed renewal while its messages are handled", async ({ expect: here }) => {
    // Three handlers take longer than the lock lasts.
    await using at = await receivingBench({ requiresSession: true, lockDurationMs: 5_000 });
    await at.fill(inSession("d", 3));
    const session = await at.client.acceptSession(queue, "d");
    at.bus.faults.next("management", ignore());
    const handlers = recording(() => sleep(2_500));
    session.subscribe(handlers);
    await here.poll(() => at.bus.journal.settled(queue).length).toBe(3);
    here(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual(
      Array(3).fill("completed"),
    );
    here(handlers.bodies).toEqual([0, 1, 2]);
  });

  it("SBC-012 that is taken away aborts the signal of its messages and its own, and settles nothing", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("e", 2));
    const session = await at.client.acceptSession(queue, "e");
    const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
    if (!message) throw new Error("A message was expected.");
    const sinceTaken = ownTime();
    at.bus.queue(queue).expireSessionLocks("e");
    await here.poll(() => lockSignal(message).aborted).toBe(true);
    here(sinceTaken()).toBeLessThan(1_000);
    here(lockSignal(session).aborted).toBe(true);
    await here(session.completeMessage(message)).rejects.toMatchObject({ code: "SessionLockLost" });
    await here(session.receiveMessages(1)).rejects.toMatchObject({ code: "SessionLockLost" });
    here(session.isClosed).toBe(true);
    here(at.bus.journal.refusals(queue).filter(({ step }) => step === "settle")).toEqual([]);
  });

  it("is lost with its connection, and the subscriber hears of it", async ({ expect: here }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("f", 1));
    const session = await at.client.acceptSession(queue, "f");
    const handlers = recording();
    // No completion may be under way: it would be told of too.
    session.subscribe(handlers, { autoCompleteMessages: false });
    await here.poll(() => handlers.bodies.length).toBe(1);
    at.bus.dropConnections();
    await here.poll(() => handlers.errors.map(({ source }) => source)).toEqual(["receive"]);
    here(session.isClosed).toBe(true);
    const again = await at.client.acceptSession(queue, "f");
    here(again.isClosed).toBe(false);
  });

  it("is known to be lost when its connection ends, not when somebody looks after it", async ({
    expect: here,
  }) => {
    const looksEveryMs = 250;
    const after = (ms: number, fire: () => void) =>
      ms === looksEveryMs ? () => undefined : systemClock.after(ms, fire);
    await using at = await receivingBench(
      { requiresSession: true },
      { resilience: { clock: { ...systemClock, after } } },
    );
    const session = await at.client.acceptSession(queue, "f");
    at.bus.dropConnections();
    await here.poll(() => lockSignal(session).aborted, { timeout: 10_000 }).toBe(true);
    here(session.isClosed).toBe(true);
  });

  it("that comes when nobody waits for it any more is given back", async ({ expect: here }) => {
    await using at = await receivingBench(
      { requiresSession: true },
      { resilience: { policies: serviceBusPolicies({ "serviceBus.acceptSession": { deadlineMs: 2_000 } }) } },
    );
    await at.fill(inSession("g", 1));
    at.bus.faults.next("accept-session", delayAcknowledgement(5_000));
    const { error, ownMs } = await timed(at.client.acceptNextSession(queue));
    here(error).toMatchObject({ code: "ServiceTimeout" });
    here(ownMs).toBeLessThan(4_000);
    await here.poll(() => at.bus.journal.sessions(queue).map(({ event }) => event)).toContain("accepted");
    await here.poll(() => at.bus.queue(queue).heldSessions).toEqual([]);
  });

  it("is accepted over an outage", async ({ expect: here }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("h", 1));
    await at.bus.stop();
    const accepting = timed(at.client.acceptSession(queue, "h"));
    await sleep(1_500);
    await at.bus.start();
    const { value, ownMs } = await accepting;
    here(value?.sessionId).toBe("h");
    here(ownMs).toBeLessThan(6_000);
  });

  it.each([
    ["the connection is never answered", blackHole()],
    ["the connection falls silent once it is open", halfOpen(0)],
  ])("is the next one in seconds although %s, where waiting for one looks the same", async (_, fault) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("i", 1));
    at.bus.faults.next("connect", fault);
    const { value, ownMs } = await timed(at.client.acceptNextSession(queue));
    expect(value?.sessionId).toBe("i");
    expect(ownMs).toBeLessThan(9_000);
    // Nobody else has it: what was asked for on the dead connection was asked for once more.
    expect(at.bus.journal.sessions(queue).filter(({ event }) => event === "accepted")).toHaveLength(1);
  });

  it("leaves no socket behind where many are waited for on a connection that is never answered", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ requiresSession: true });
    const ids = Array.from({ length: 8 }, (_, index) => `k-${index}`);
    await at.fill(ids.map((sessionId) => ({ body: 1, sessionId })));
    const filled = at.bus.journal.connections().length;
    at.bus.faults.next("connect", blackHole());
    const accepted = await Promise.all(ids.map(() => at.client.acceptNextSession(queue)));
    here(accepted.map(({ sessionId }) => sessionId).toSorted()).toEqual(ids);
    // One more for the look at the dead one, which stood in line there.
    here(at.bus.journal.connections().length - filled).toBeLessThanOrEqual(2);
    await at.client.close();
    await here
      .poll(() => at.bus.journal.connections().filter(({ closedAt }) => closedAt === undefined))
      .toEqual([]);
  });

  it("is waited for no longer on a connection that another has found silent", async ({ expect: here }) => {
    const policies = serviceBusPolicies({ "serviceBus.acceptSession": { attemptTimeoutMs: 1_000 } });
    await using at = await receivingBench({ requiresSession: true }, { resilience: { policies } });
    // The next one with messages is never "l", whoever comes first.
    await at.fill(inSession("m", 1));
    at.bus.faults.next("connect", halfOpen(0));
    const next = timed(at.client.acceptNextSession(queue));
    await at.client.acceptSession(queue, "l");
    const { value, ownMs } = await next;
    here(value?.sessionId).toBe("m");
    here(ownMs).toBeLessThan(15_000);
  });

  it("is waited for on a connection that answers, without asking it over and over", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ requiresSession: true });
    const accepting = at.client.acceptNextSession(queue);
    await sleep(6_000);
    await at.fill(inSession("j", 1));
    here((await accepting).sessionId).toBe("j");
    here(at.bus.journal.management(queue).length).toBeLessThanOrEqual(1);
    here(at.events.map(({ type }) => type)).toEqual([]);
  });

  it("keeps its state, whose change is repeated when its answer is lost", async ({ expect: here }) => {
    await using at = await receivingBench(
      { requiresSession: true },
      {
        resilience: {
          policies: serviceBusPolicies({ "serviceBus.sessionState": { attemptTimeoutMs: 700 } }),
        },
      },
    );
    await at.fill(inSession("i", 1));
    const session = await at.client.acceptSession(queue, "i");
    at.bus.faults.next("management", ignore());
    await session.setSessionState({ step: 2 });
    here(await session.getSessionState()).toEqual({ step: 2 });
    here((await session.renewSessionLock()).getTime()).toBeGreaterThan(Date.now());
  });

  it("receives batches, gives back what an abort leaves, and ends in time", async ({ expect: here }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("j", 3));
    const session = await at.client.acceptSession(queue, "j");
    const first = await session.receiveMessages(2, { maxWaitTimeInMs: 5_000 });
    here(first.map(({ body }): unknown => body)).toEqual([0, 1]);
    await Promise.all(first.map((message) => session.completeMessage(message)));
    const patience = new AbortController();
    const aborted = timed(
      session.receiveMessages(5, { maxWaitTimeInMs: 20_000, fill: true, abortSignal: patience.signal }),
    );
    await here.poll(() => at.bus.journal.delivered(queue).length).toBe(3);
    const sinceAborted = ownTime();
    patience.abort();
    here((await aborted).error?.name).toBe("AbortError");
    here(sinceAborted()).toBeLessThan(250);
    const again = await session.receiveMessages(5, { maxWaitTimeInMs: 10_000 });
    here(again.map(({ body }): unknown => body)).toEqual([2]);
    const { ownMs, value } = await timed(session.receiveMessages(5, { maxWaitTimeInMs: 500 }));
    here(value).toEqual([]);
    here(ownMs).toBeLessThan(1_500);
  });

  it("reports an unknown outcome when its settlement is cut, and repeats nothing", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("k", 1));
    const session = await at.client.acceptSession(queue, "k");
    const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
    if (!message) throw new Error("A message was expected.");
    at.bus.faults.next("settle", dropConnection({ stored: true }));
    const { ownMs, error } = await timed(session.completeMessage(message));
    here(error).toBeInstanceOf(Error);
    // The official client: 60 s, whatever its options say.
    here(ownMs).toBeLessThan(3_000);
    here(at.bus.journal.settled(queue)).toHaveLength(1);
  });

  it("takes one subscription in its life, as with the official client", async ({ expect: here }) => {
    await using at = await receivingBench({ requiresSession: true });
    await at.fill(inSession("l", 1));
    const session = await at.client.acceptSession(queue, "l");
    const subscription = session.subscribe(recording());
    await subscription.close();
    here(() => session.subscribe(recording())).toThrow(/already receiving/);
  });
});
