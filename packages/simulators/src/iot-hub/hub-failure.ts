import type { HubError } from "./hub-error.ts";

/** Thrown inside the simulator where a request fails; each transport answers in its own form. */
export class HubFailure extends Error {
  readonly error: HubError;
  /** Whether the refusal stands in the journal already. */
  isJournaled = false;

  /** @param message - default: the error's own */
  constructor(error: HubError, message = error.message) {
    super(message);
    this.name = "HubFailure";
    this.error = { ...error, message };
  }
}
