import type { RequestStep } from "../faults.ts";
import type { Simulation } from "../simulation.ts";
import type { Exchange } from "./exchange.ts";

/** Carries out one step of a request, unless the script has something else in mind. */
export function atStep(
  simulation: Simulation,
  exchange: Exchange,
  step: RequestStep,
  entity: string,
  carryOut: () => void,
): void {
  exchange.entry.step = step;
  const fault = simulation.fault(step, entity);
  switch (fault?.kind) {
    case undefined:
      carryOut();
      return;
    case "answer":
      exchange.answer(fault.status, fault.body, fault.headers);
      return;
    case "delay":
      simulation.timers.after(fault.ms, carryOut);
      return;
    case "never-answer":
      exchange.mute();
      if (fault.carriedOut) carryOut();
      return;
    case "drop-connection":
      if (fault.carriedOut) {
        exchange.mute();
        carryOut();
      }
      exchange.drop(fault.how);
      return;
  }
}
