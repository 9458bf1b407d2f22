import type { ServiceBusClient } from "@azure/service-bus";
import { systemRandom, type Clock, type Random } from "@holdfast/core";
import { ConnectionLife } from "./connection-life.ts";
import { connectionLostError } from "./official-errors.ts";
import { sealClient, watchConnection } from "./official-socket.ts";

/** One official client with its AMQP connection, as long as it serves. */
export interface Generation {
  readonly client: ServiceBusClient;
  /** Entities for which the connection holds, or has held, an authentication token: closing a link gives none back. */
  readonly audiences: Set<string>;
  /** Links leased on it. */
  links: number;
  /** Operations under way on it. */
  inFlight: number;
  /** When the service last answered anything on it, by our clock. */
  answeredAt: number;
  /** How long the tokens it was given are good. */
  readonly life: ConnectionLife;
  /** Who hears when it is given up because it does not answer: links on which nothing will come any more. */
  readonly dependents: Set<(error: Error) => void>;
  /** Who hears when it is lost: what is under way on it will not be answered. */
  readonly lossListeners: Set<() => void>;
  /**
   * `serving`: takes new links. `full`: keeps those it has. `exhausted`: the service said so, so links that are not open yet
   * go elsewhere. `retired`: another has taken its place; it is closed when
   * its last operation ends. `outdated`: keeps the links it has and is closed when the last is given back. `closed`: it is
   * closing or closed.
   */
  state: "serving" | "full" | "exhausted" | "outdated" | "retired" | "closed";
}

/**
 * The official close() never settles when the connection is lost (rhea-promise, `onDisconnected`), so ours is bounded,
 * in milliseconds.
 */
export const closeTimeoutMs = 2_000;

// How long a sound connection that makes room is kept at least, in milliseconds.
const lingerMs = 1_000;

/** Makes an official client; `handed` is to hear for how long each token that it is given is good, in milliseconds. */
type MakeConnection = (handed: (validForMs: number) => void) => ServiceBusClient;

/** Where newer tokens come from. */
interface Renewal {
  /** Resolves with how long the newest token is good, in milliseconds. */
  readonly renew: () => Promise<number>;
  readonly random: Random;
}

const noRenewal: Renewal = { renew: () => Promise.resolve(0), random: systemRandom };

/**
 * The connections of one client. New links go to the newest until it holds as many tokens as it should; a connection
 * that does not answer is replaced while work on the old one finishes.
 */
export class ConnectionPool {
  readonly #make: MakeConnection;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #renewal: Renewal;
  #renewing = false;
  readonly #generations = new Set<Generation>();
  readonly #closing = new Set<Promise<void>>();
  readonly #lingering = new Set<() => void>();

  /** @param limit - distinct audiences, or links, that one connection may hold; the service allows 1000 (SB-17). */
  constructor(make: MakeConnection, clock: Clock, limit: number, renewal: Renewal = noRenewal) {
    this.#make = make;
    this.#renewal = renewal;
    this.#clock = clock;
    this.#limit = limit;
  }

  /** The connection for a link to this audience. Give it back with {@link release}. */
  lease(audience: string): Generation {
    const generation = this.#choose(audience);
    generation.audiences.add(audience);
    generation.links += 1;
    return generation;
  }

  /** The link is closed or has moved. */
  release(generation: Generation): void {
    generation.links -= 1;
    this.#closeIfDone(generation);
  }

  /** Counts a further audience of an entity that has a link on it: its `$management` node. */
  use(generation: Generation, audience: string): void {
    generation.audiences.add(audience);
  }

  /** The service says that the connection holds too many tokens: it takes no more, and this audience goes elsewhere. */
  fill(generation: Generation, audience: string): void {
    if (generation.state === "serving" || generation.state === "full") generation.state = "exhausted";
    generation.audiences.delete(audience);
  }

  /** Gives up a connection that does not answer. False when that has been done already. */
  recycle(stale: Generation): boolean {
    if (stale.state === "retired" || stale.state === "closed") return false;
    stale.state = "retired";
    this.#closeIfDone(stale);
    return true;
  }

  /**
   * Gives up a connection that does not answer, and tells all who wait on it in one turn: in the official client's line for
   * the connection, whoever stands behind one that leaves opens another socket, and when he leaves in turn, nobody closes it.
   */
  abandon(dead: Generation, error: Error): boolean {
    if (!this.recycle(dead)) return false;
    for (const lose of [...dead.dependents]) lose(error);
    return true;
  }

  /** Its connection has ended. It is given up, because who connects on it again may wait in vain; another takes its place. */
  #lost(generation: Generation): void {
    for (const lose of [...generation.lossListeners]) lose();
    this.abandon(generation, connectionLostError());
  }

  /**
   * To be called before each use: a connection whose tokens end soon makes room for one with newer ones, if there are any;
   * one of whose tokens has ended is given up, for what is sent on it may be lost without a word (azure-sdk-for-js#38467).
   */
  tend(generation: Generation, now = this.#clock.now()): void {
    const phase = generation.life.phaseAt(now);
    if (phase === "lasting") return;
    if (phase === "over") this.#replace(generation);
    else void this.#renew(generation);
  }

  /** Every connection makes room for a new one, which identifies itself anew. What is under way on them ends there. */
  replaceAll(): void {
    for (const generation of this.#generations) this.#replace(generation);
  }

  /** A sound connection makes room: it lingers for those who are about to use it in this moment. */
  #replace(generation: Generation): void {
    const leave = this.enter(generation);
    if (!this.recycle(generation)) {
      leave();
      return;
    }
    const stop = this.#clock.after(lingerMs, () => {
      this.#lingering.delete(stop);
      leave();
    });
    this.#lingering.add(stop);
  }

  /** Every connection keeps the links it has, and takes no more: the next are made on one that identifies itself anew. */
  outdate(): void {
    for (const generation of this.#generations) {
      if (keepsLinks(generation)) generation.state = "outdated";
      this.#closeIfDone(generation);
    }
  }

  async #renew(generation: Generation): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      const validForMs = await this.#renewal.renew();
      // Another connection with the same token would gain nothing.
      if (validForMs > generation.life.leftMs + 1_000) this.#replace(generation);
      else generation.life.rest();
    } catch {
      // The source has told of it; the present token is good for a while still.
      generation.life.rest();
    } finally {
      this.#renewing = false;
    }
  }

  /** Marks an operation as under way; call the result when it ended. */
  enter(generation: Generation): () => void {
    this.begin(generation);
    return () => {
      this.end(generation);
    };
  }

  /** {@link enter}, for what is done thousands of times a second: pair it with one {@link end}. */
  begin(generation: Generation): void {
    generation.inFlight += 1;
  }

  /** See {@link begin}. */
  end(generation: Generation): void {
    generation.inFlight -= 1;
    this.#closeIfDone(generation);
  }

  /** Closes all, each within {@link closeTimeoutMs}. */
  async close(): Promise<void> {
    for (const stop of this.#lingering) stop();
    for (const generation of this.#generations) this.#close(generation);
    await Promise.all(this.#closing);
  }

  #choose(audience: string): Generation {
    let newest: Generation | undefined;
    for (const generation of this.#generations) {
      if (!keepsLinks(generation)) continue;
      // An audience that is already counted costs no further token.
      if (generation.audiences.has(audience) && generation.links < this.#limit) return generation;
      newest = generation;
    }
    if (newest?.state === "serving") {
      if (newest.audiences.size < this.#limit && newest.links < this.#limit) return newest;
      newest.state = "full";
      this.#closeIfDone(newest);
    }
    const life = new ConnectionLife(this.#clock, this.#renewal.random);
    const client = this.#make((validForMs) => {
      life.handed(validForMs);
    });
    const fresh: Generation = {
      client,
      life,
      dependents: new Set(),
      lossListeners: new Set(),
      audiences: new Set(),
      links: 0,
      inFlight: 0,
      answeredAt: -Infinity,
      state: "serving",
    };
    watchConnection(client, () => {
      this.#lost(fresh);
    });
    this.#generations.add(fresh);
    return fresh;
  }

  #closeIfDone(generation: Generation): void {
    const { state, inFlight, links } = generation;
    const isGivenBack = links === 0 && state !== "serving";
    if (inFlight === 0 && (state === "retired" || isGivenBack)) this.#close(generation);
  }

  #close(generation: Generation): void {
    if (generation.state === "closed") return;
    generation.state = "closed";
    this.#generations.delete(generation);
    const { client } = generation;
    const closed = closeClient(client, () => client.close(), this.#clock);
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }
}

/** Whether it has not made room for another. */
function keepsLinks({ state }: Generation): boolean {
  return state === "serving" || state === "full" || state === "exhausted";
}

/** Closes an official client for good, within {@link closeTimeoutMs}, so that nothing of it keeps the process alive. */
export async function closeClient(
  client: ServiceBusClient,
  close: () => Promise<void>,
  clock: Clock,
): Promise<void> {
  await withinTime(close(), closeTimeoutMs, clock);
  sealClient(client);
}

/** Resolves when `work` settles, either way, or after `ms` milliseconds. For ending things that may hang. */
export function withinTime(work: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, resolve);
    const done = (): void => {
      stop();
      resolve();
    };
    work.then(done, done);
  });
}
