import type { EventEmitter } from "node:events";
import type { DeviceLink } from "./device-link.ts";
import { emitSafely } from "./listeners.ts";
import { TwinFollower, type Document, type TwinStep } from "./twin-follower.ts";

/** The twin as the hub answers. */
export interface TwinDocument {
  readonly desired: Document;
  readonly reported: Document;
}

/** A device's twin over one connection after the other: read again after each, and every change told once. */
export class DeviceTwin {
  readonly #follower = new TwinFollower();
  readonly #link: () => DeviceLink;
  readonly #transport: EventEmitter;
  readonly #failed: (error: unknown) => void;
  #isRead = false;

  /**
   * @param transport - emits `twinDesiredPropertiesUpdate`, as the official ones.
   */
  constructor(link: () => DeviceLink, transport: EventEmitter, failed: (error: unknown) => void) {
    this.#link = link;
    this.#transport = transport;
    this.#failed = failed;
  }

  /** For the application's `getTwin`, which hands the whole document to its handlers. */
  async get(): Promise<TwinDocument> {
    const twin = await this.#read();
    this.#isRead = true;
    this.#follower.read(twin.desired);
    return twin;
  }

  /** A change was pushed. */
  pushed(patch: unknown): void {
    this.#follow(this.#follower.pushed(patch));
  }

  /** Reads it again when the application follows it: changes made while the device was away were not pushed. */
  resync(): void {
    const link = this.#link();
    const inner = link.current;
    if (!this.#isRead || inner === undefined || !link.wanted.has("TwinDesiredPropertiesUpdates")) return;
    this.#read().then((twin) => {
      if (link.current === inner) this.#follow(this.#follower.reread(twin.desired));
    }, this.#failed);
  }

  #follow(step: TwinStep): void {
    if (step.type === "reread") this.resync();
    if (step.type === "deliver") {
      emitSafely(this.#transport, "twinDesiredPropertiesUpdate", [step.patch], this.#failed);
    }
  }

  #read(): Promise<TwinDocument> {
    return this.#link().run<TwinDocument>("iot.twin", (inner, done) => {
      const answered = (error?: Error, twin?: unknown): void => {
        if (error != null || typeof twin !== "object" || twin === null) done(error ?? notATwin());
        else done(undefined, { desired: {}, reported: {}, ...twin });
      };
      inner.official.getTwin(answered);
    });
  }
}

function notATwin(): Error {
  return new Error("What came is not an answer to a twin request.");
}
