import type { HubConnectionFault, HubRefusal, LateAnswer, LostAnswer } from "./faults.ts";
import type { Hub } from "./hub.ts";
import type { HubError } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";

/** One step of a protocol: what it does, and the ways it can be answered. */
export interface Step<Result> {
  /** Carries it out. May throw a HubFailure. */
  act(): Result;
  answer(result: Result): void;
  refuse(error: HubError): void;
  /** The connection breaks. */
  suffer(fault: HubConnectionFault): void;
  /** There will be no answer. */
  leaveUnanswered?(): void;
}

/** Carries out a step as the script says. */
export function performStep<Result>(
  hub: Hub,
  fault: HubRefusal | LostAnswer | LateAnswer | HubConnectionFault | undefined,
  step: Step<Result>,
): void {
  if (fault?.kind === "refuse") {
    step.refuse(fault.error);
    return;
  }
  const attempt = (then: (result: Result) => void): void => {
    let result: Result;
    try {
      result = step.act();
    } catch (error) {
      if (!(error instanceof HubFailure)) throw error;
      step.refuse(error.error);
      return;
    }
    then(result);
  };
  if (fault === undefined) {
    attempt((result) => {
      step.answer(result);
    });
  } else if (fault.kind === "delay") {
    attempt((result) => {
      hub.timers.after(fault.ms, () => {
        step.answer(result);
      });
    });
  } else {
    if (fault.stored) attempt(() => undefined);
    step.leaveUnanswered?.();
    if (fault.kind !== "lose-acknowledgement") step.suffer(fault);
  }
}
