import type { HubConnectionFault } from "../faults.ts";

/** Thrown by a route that decided not to answer, or to break the connection. */
export class NoAnswer extends Error {
  readonly fault: HubConnectionFault | undefined;

  constructor(fault?: HubConnectionFault) {
    super("no answer");
    this.fault = fault;
  }
}
