import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  failureOf,
  faultTable,
  policy,
  TokenSource,
  type AccessTokenLike,
  type HoldfastEvent,
  type TokenRequestLike,
  type TokenSourceOptions,
} from "../src/index.ts";
import { lifeOf, phaseOf, remainingMs } from "../src/token-life.ts";
import { seededRandom, virtualClock, type VirtualClock } from "../src/testing.ts";
import { failure, rejection, rows } from "./scene.ts";

const scope = "https://servicebus.azure.net/.default";
const hourMs = 3_600_000;

/** What one request does: gives a token, fails, gives nothing, or never answers. */
type Turn = "token" | "hangs" | "null" | Error | AccessTokenLike;

interface Issuer {
  readonly clock: VirtualClock;
  readonly events: HoldfastEvent[];
  readonly requests: { readonly at: number; readonly scopes: unknown; readonly options: TokenRequestLike }[];
  readonly source: TokenSource;
}

/** A credential whose requests go as told (the last turn repeats), giving tokens of an hour named token-1, token-2, … */
function issuer(
  turns: readonly Turn[],
  more: Partial<TokenSourceOptions<AccessTokenLike, TokenRequestLike>> = {},
): Issuer {
  const clock = virtualClock(1_700_000_000_000);
  const events: HoldfastEvent[] = [];
  const requests: Issuer["requests"] = [];
  const source = new TokenSource({
    getToken: (scopes, options) => {
      const turn = turns[Math.min(requests.length, turns.length - 1)]!;
      requests.push({ at: clock.now(), scopes, options });
      const token = { token: `token-${requests.length}`, expiresOnTimestamp: clock.wallNow() + hourMs };
      if (turn instanceof Error) return Promise.reject(turn);
      if (turn === "null") return Promise.resolve(null);
      if (turn === "token") return Promise.resolve(token);
      if (turn !== "hangs") return Promise.resolve(turn);
      return new Promise((_, reject) => {
        options.abortSignal?.addEventListener("abort", () => reject(new Error("cut")));
      });
    },
    policy: () => policy(),
    classify: faultTable("test", rows),
    clock,
    random: seededRandom(1),
    onEvent: (event) => events.push(event),
    ...more,
  });
  return { clock, events, requests, source };
}

const down = failure("Detached", "connect ECONNREFUSED");
const texts = (tokens: (AccessTokenLike | null)[]): (string | undefined)[] => tokens.map((one) => one?.token);

describe("getToken()", () => {
  it("asks once for everybody who asks at the same time, and once for as long as the token is fresh", async () => {
    const { source, requests, clock } = issuer(["token"]);
    const all = await clock.settle(Promise.all(Array.from({ length: 50 }, () => source.getToken(scope))));
    expect(new Set(texts(all))).toEqual(new Set(["token-1"]));
    await clock.advance(hourMs / 2);
    expect(texts([await source.getToken([scope])])).toEqual(["token-1"]);
    expect(requests).toHaveLength(1);
  });

  it("keeps the tokens of other scopes, tenants and capabilities apart", async () => {
    const { source, requests, clock } = issuer(["token"]);
    for (const options of [{}, { tenantId: "b" }, { enableCae: true }])
      await clock.settle(source.getToken(scope, options));
    await clock.settle(source.getToken(["https://signalr.azure.com/.default"]));
    expect(requests).toHaveLength(4);
  });

  it("repeats what passes, and gives what does not at once", async () => {
    const refused = failure("NotFound", "AADSTS700016: application not found");
    const { source, requests, clock, events } = issuer([down, down, "token", refused]);
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-3"]);
    expect(events.map(({ type }) => type)).toEqual(["retry", "retry", "recovered", "token-refreshed"]);
    expect(await clock.settle(rejection(source.getToken("other")))).toBe(refused);
    expect(failureOf(refused)).toMatchObject({ reason: "permanent" });
    expect(requests).toHaveLength(4);
  });

  it("remembers no error: the next who asks gets a request", async () => {
    const { source, clock } = issuer([failure("NotFound"), "token"]);
    await clock.settle(rejection(source.getToken(scope)));
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-2"]);
  });

  it("passes on that there is no token, and does not keep it", async () => {
    const { source, clock, requests } = issuer(["null", "token"]);
    expect(await clock.settle(source.getToken(scope))).toBeNull();
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-2"]);
    expect(requests).toHaveLength(2);
  });

  it("gives up a request that is not answered in time, and asks again", async () => {
    const { source, clock, requests } = issuer(["hangs", "token"]);
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-2"]);
    expect(requests[0]!.options.abortSignal!.aborted).toBe(true);
    expect(clock.now()).toBeGreaterThanOrEqual(10_000);
  });

  it("never shows a token in an event", async () => {
    const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl";
    const { source, clock, events } = issuer([failure("Internal", `refused ${jwt}`), "token"]);
    await clock.settle(source.getToken(scope));
    expect(JSON.stringify(events)).not.toContain("token-2");
    expect(JSON.stringify(events)).not.toContain(jwt);
  });
});

describe("a caller's abort", () => {
  it("ends that caller's wait, not the request that others wait for", async () => {
    const abort = new AbortController();
    const { source, clock, requests } = issuer([down, "token"]);
    const first = rejection(source.getToken(scope, { abortSignal: abort.signal }));
    const second = source.getToken(scope);
    abort.abort();
    expect(await clock.settle(first)).toMatchObject({ name: "AbortError" });
    expect(texts([await clock.settle(second)])).toEqual(["token-2"]);
    expect(requests).toHaveLength(2);
  });

  it("ends a request that nobody else waits for, and the next caller gets one of its own", async () => {
    const abort = new AbortController();
    const { source, clock, requests } = issuer(["hangs", "token"]);
    const only = rejection(source.getToken(scope, { abortSignal: abort.signal }));
    await clock.advance(1);
    abort.abort();
    const next = source.getToken(scope);
    await clock.settle(only);
    expect(requests[0]!.options.abortSignal!.aborted).toBe(true);
    expect(texts([await clock.settle(next)])).toEqual(["token-2"]);
    expect(clock.pending).toBe(0);
  });

  it("before the beginning asks for nothing", async () => {
    const { source, requests } = issuer(["token"]);
    expect(await rejection(source.getToken(scope, { abortSignal: AbortSignal.abort() }))).toMatchObject({
      name: "AbortError",
    });
    expect(requests).toHaveLength(0);
  });
});

describe("a refresh", () => {
  it("happens beside the work in the last fifth to two fifths of a token's life", async () => {
    const { source, clock, requests } = issuer(["token"]);
    await clock.settle(source.getToken(scope));
    await clock.advance(hourMs * 0.59);
    await source.getToken(scope);
    expect(requests).toHaveLength(1);
    await clock.advance(hourMs * 0.22);
    expect(texts([await source.getToken(scope)])).toEqual(["token-1"]);
    await clock.advance(0);
    expect(requests).toHaveLength(2);
    expect(texts([await source.getToken(scope)])).toEqual(["token-2"]);
  });

  it("happens when the issuer wishes it, a little later at random", async () => {
    const start = 1_700_000_000_000;
    const long = {
      token: "long",
      expiresOnTimestamp: start + 24 * hourMs,
      refreshAfterTimestamp: start + 12 * hourMs,
    };
    const { source, clock, requests } = issuer([long, "token"]);
    await clock.settle(source.getToken(scope));
    await clock.advance(12 * hourMs - 1);
    await source.getToken(scope);
    expect(requests).toHaveLength(1);
    await clock.advance(2.4 * hourMs);
    await source.getToken(scope);
    expect(requests).toHaveLength(2);
  });

  it("that fails leaves the old token in service, does not ask at every call, and is not heard by the caller", async () => {
    const { source, clock, requests, events } = issuer(["token", down], {
      policy: () => policy({ attempts: 1 }),
    });
    await clock.settle(source.getToken(scope));
    await clock.advance(hourMs * 0.81);
    for (let second = 0; second < 300; second += 1) {
      expect(texts([await source.getToken(scope)])).toEqual(["token-1"]);
      await clock.advance(1_000);
    }
    expect(requests.length).toBeGreaterThanOrEqual(5);
    expect(requests.length).toBeLessThanOrEqual(11);
    expect(events.map(({ type }) => type)).toContain("give-up");
  });

  it("goes on when somebody who came to wait for it changes their mind", async () => {
    const patient = policy({ attemptTimeoutMs: Infinity, deadlineMs: Infinity });
    const { source, clock, requests } = issuer(["token", "hangs"], { policy: () => patient });
    await clock.settle(source.getToken(scope));
    await clock.advance(hourMs * 0.9);
    await source.getToken(scope);
    await clock.advance(hourMs * 0.05);
    const abort = new AbortController();
    const waiting = rejection(source.getToken(scope, { abortSignal: abort.signal }));
    abort.abort();
    await clock.settle(waiting);
    expect(requests[1]!.options.abortSignal!.aborted).toBe(false);
    source.close();
  });

  it("that is refused for good in the last minutes leaves the old token in service", async () => {
    const { source, clock, events } = issuer(["token", failure("NotFound")]);
    await clock.settle(source.getToken(scope));
    await clock.advance(hourMs - 120_000);
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-1"]);
    expect(events.at(-1)).toMatchObject({ type: "token-kept", fault: { id: "NotFound" } });
  });

  it("is waited for in the last five minutes; when it fails, the old token serves to its end", async () => {
    const { source, clock, events, requests } = issuer(["token", down]);
    await clock.settle(source.getToken(scope));
    await clock.advance(hourMs - 120_000);
    const asked = clock.now();
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-1"]);
    expect(clock.now() - asked).toBeLessThanOrEqual(10_000);
    expect(events.at(-1)).toMatchObject({ type: "token-kept", target: scope });
    expect(requests.length).toBeGreaterThan(1);
    await clock.advance(120_000);
    expect(await clock.settle(rejection(source.getToken(scope)))).toBe(down);
  });

  it("that succeeds within the patience gives the new token", async () => {
    const { source, clock } = issuer(["token", down, "token"]);
    await clock.settle(source.getToken(scope));
    await clock.advance(hourMs - 120_000);
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-3"]);
  });

  it("answers a challenge with a new token, which then serves everybody", async () => {
    const { source, clock, requests } = issuer(["token"]);
    await clock.settle(source.getToken(scope));
    expect(texts([await clock.settle(source.getToken(scope, { claims: "{}" }))])).toEqual(["token-2"]);
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-2"]);
    expect(requests[1]!.options.claims).toBe("{}");
  });

  it("may be asked for while the token is fresh, once for all who ask", async () => {
    const { source, clock, requests } = issuer(["token", "token", down]);
    await clock.settle(source.getToken(scope));
    const renewed = await clock.settle(Promise.all([source.renew(scope), source.renew(scope)]));
    expect([texts(renewed), requests.length]).toEqual([["token-2", "token-2"], 2]);
    expect(await clock.settle(rejection(source.renew(scope)))).toBe(down);
    expect(texts([await source.getToken(scope)])).toEqual(["token-2"]);
  });

  it("follows when the service refused the token", async () => {
    const { source, clock } = issuer(["token"]);
    await clock.settle(source.getToken(scope));
    source.forget("another");
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-1"]);
    source.forget("token-1");
    expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["token-2"]);
  });
});

it("hands out a token that has ended by a wrong clock, says so, and does not keep it", async () => {
  const ended = { token: "new", expiresOnTimestamp: 1_700_000_000_000 - 60_000 };
  const { source, clock, events, requests } = issuer([ended]);
  expect(texts([await clock.settle(source.getToken(scope))])).toEqual(["new"]);
  expect(events).toMatchObject([{ type: "token-refreshed", validForMs: -60_000 }]);
  await clock.settle(source.getToken(scope));
  expect(requests).toHaveLength(2);
});

it("ends its requests and takes no more once it is closed", async () => {
  const { source, clock, requests } = issuer(["hangs"]);
  const waiting = rejection(source.getToken(scope));
  source.close();
  expect(await clock.settle(waiting)).toMatchObject({ name: "AbortError" });
  expect(await rejection(source.getToken(scope))).toMatchObject({ code: "closed" });
  expect([requests.length, clock.pending]).toEqual([1, 0]);
});

it("says which option is out of range", () => {
  expect(() => issuer([], { patienceMs: -1 })).toThrow(/token\.patienceMs must be a finite number/);
});

describe("a token's life", () => {
  const anyToken = fc.record({
    token: fc.constant("t"),
    expiresOnTimestamp: fc.double({ min: -1e9, max: 1e10 }),
    refreshAfterTimestamp: fc.option(fc.double({ min: -1e10, max: 2e10 }), { nil: undefined }),
  });

  it("only goes on, from fresh to ended, whatever the issuer says", async () => {
    const order = ["fresh", "due", "ending", "ended"];
    await fc.assert(
      fc.asyncProperty(
        anyToken,
        fc.integer(),
        fc.array(fc.double({ min: 0, max: 1e9, noNaN: true })),
        async (token, seed, steps) => {
          const clock = virtualClock(1_000_000);
          const life = lifeOf(token, clock, seededRandom(seed), 300_000);
          let last = 0;
          for (const ms of [0, ...steps]) {
            await clock.advance(ms);
            const now = order.indexOf(phaseOf(life, clock));
            expect(now).toBeGreaterThanOrEqual(last);
            last = now;
            if (now < 3) expect(remainingMs(life, clock)).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("is not lengthened by a wall clock that goes back, nor by a machine that slept", () => {
    const clock = virtualClock(1_000_000);
    const shifted = (mono: number, wall: number) => ({
      ...clock,
      now: () => mono,
      wallNow: () => 1_000_000 + wall,
    });
    const life = lifeOf({ token: "t", expiresOnTimestamp: 1_000_000 + hourMs }, clock, () => 0, 300_000);
    expect(phaseOf(life, shifted(hourMs, -hourMs))).toBe("ended");
    expect(phaseOf(life, shifted(1_000, hourMs))).toBe("ended");
    expect(phaseOf(life, shifted(1_000, 1_000))).toBe("fresh");
  });
});
