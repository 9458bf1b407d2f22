import { setTimeout as sleep } from "node:timers/promises";
import { signalr, type HubCall, type SignalRSimulator } from "@holdfast/simulators/signalr";

/** A hub that hands jobs to a group of workers, and what they have reported. */
export interface JobHub extends AsyncDisposable {
  readonly sim: SignalRSimulator;
  readonly url: string;
  readonly done: ReadonlySet<number>;
  /** Gives a job to every worker. */
  give(id: number): void;
  /** Resolves when a worker is in its group. */
  joined(): Promise<void>;
}

export async function jobHub(): Promise<JobHub> {
  const sim = await signalr({ hubs: ["jobs"] });
  const done = new Set<number>();
  const hub = sim.hub("jobs");
  hub
    .on("Join", ({ groups, connectionId }: HubCall, group: string) => {
      groups.add(connectionId, group);
    })
    .on("Done", (_, id: number) => {
      done.add(id);
    });
  return {
    ...{ sim, done, url: sim.url("jobs") },
    give: (id) => {
      hub.clients.group("workers").send("Job", { id });
    },
    joined: async () => {
      while (!hub.connectionIds.some((id) => hub.groups.has(id, undefined, "workers"))) await sleep(20);
    },
    [Symbol.asyncDispose]: () => sim.close(),
  };
}
