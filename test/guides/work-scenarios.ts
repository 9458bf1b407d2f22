import { connectingWork } from "./connecting-work.ts";
import { receivingWork } from "./receiving-work.ts";
import { sendingWork } from "./sending-work.ts";
import type { WorkScenario } from "./work-scenario.ts";

/** What `npm run baseline` does with both clients, beside the single failing sends of `scenarios.ts`. */
export const workScenarios: readonly WorkScenario[] = [...sendingWork, ...connectingWork, ...receivingWork];
