import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./run.ts";

const serviceBusLane = new URL("lane.ts", import.meta.url);
const mutantFile = new URL("register-mutant.ts", import.meta.url).href;

/** What came of a run: what it showed, or that it took its process down. */
export type LaneOutcome<Shown = Outcome> = Shown | { readonly seed: number; readonly crashed: string };

/** What a lane answers. */
type Report<Shown> = { readonly outcome: Shown } | { readonly failed: string };

/**
 * Until all are done, or `onOutcome` says that it has seen enough: runs jobs in processes of their own, so many at a time; each process takes one job after another and is replaced when it
 * dies. With a mutant's name, the processes load ours with that mistake in it.
 *
 * @param laneFile - what such a process runs. Default: the Service Bus suite's.
 */
export async function runInLanes<Shown = Outcome>(
  jobs: readonly { readonly seed: number }[],
  lanes: number,
  onOutcome: (outcome: LaneOutcome<Shown>) => "enough" | undefined,
  mutant?: string,
  laneFile = serviceBusLane,
): Promise<void> {
  const waiting = [...jobs];
  const running = new Set<ChildProcess>();
  let isOver = false as boolean;
  const work = async (): Promise<void> => {
    let lane: ChildProcess | undefined;
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (lane?.connected !== true) lane = start(laneFile, mutant);
      running.add(lane);
      const outcome = await ask<Shown>(lane, job);
      running.delete(lane);
      // It may look connected for a moment still.
      if (typeof outcome === "object" && outcome !== null && "crashed" in outcome) lane = undefined;
      if (isOver) return;
      if (onOutcome(outcome) === "enough") {
        isOver = true;
        waiting.length = 0;
        for (const other of running) other.kill("SIGKILL");
      }
    }
    lane?.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(lanes, jobs.length) }, work));
}

function start(laneFile: URL, mutant: string | undefined): ChildProcess {
  const base = ["--import", "tsx", "--conditions=source"];
  return fork(fileURLToPath(laneFile), {
    execArgv: mutant === undefined ? base : [...base, "--import", mutantFile],
    env: { ...process.env, ...(mutant === undefined ? {} : { HOLDFAST_MUTANT: mutant }) },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}

async function ask<Shown>(lane: ChildProcess, job: { readonly seed: number }): Promise<LaneOutcome<Shown>> {
  let said = "";
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-500);
  };
  lane.stderr?.on("data", listen);
  const over = new AbortController();
  const answered = once(lane, "message", { signal: over.signal }).then(([report]) => report as Report<Shown>);
  const died = once(lane, "exit", { signal: over.signal }).then((): Report<Shown> => ({
    failed: `its process ended: ${said}`,
  }));
  died.catch(() => undefined);
  answered.catch(() => undefined);
  lane.send(job);
  const report = await Promise.race([answered, died]);
  over.abort();
  lane.stderr?.off("data", listen);
  return "outcome" in report ? report.outcome : { seed: job.seed, crashed: report.failed };
}
