import { EventEmitter } from "node:events";
import type { Feature } from "./inner-transport.ts";
import type { Callback } from "./official.ts";

/** The official transports' switches, as one. */
export abstract class SwitchedTransport extends EventEmitter {
  /** Switches a feature on or off, now and on every connection that follows. */
  protected abstract toggle(feature: Feature, on: boolean, done: Callback<void>): void;

  enableC2D(done: Callback<void>): void {
    this.toggle("C2D", true, done);
  }

  disableC2D(done: Callback<void>): void {
    this.toggle("C2D", false, done);
  }

  enableMethods(done: Callback<void>): void {
    this.toggle("Methods", true, done);
  }

  disableMethods(done: Callback<void>): void {
    this.toggle("Methods", false, done);
  }

  enableInputMessages(done: Callback<void>): void {
    this.toggle("InputMessages", true, done);
  }

  disableInputMessages(done: Callback<void>): void {
    this.toggle("InputMessages", false, done);
  }

  enableTwinDesiredPropertiesUpdates(done: Callback<void>): void {
    this.toggle("TwinDesiredPropertiesUpdates", true, done);
  }

  disableTwinDesiredPropertiesUpdates(done: Callback<void>): void {
    this.toggle("TwinDesiredPropertiesUpdates", false, done);
  }
}
