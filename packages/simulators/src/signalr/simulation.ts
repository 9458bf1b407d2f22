import { randomBytes } from "node:crypto";
import { Timers, type SimulatorClock } from "../clock.ts";
import { FaultScript } from "../faults/fault-script.ts";
import { seededRandom } from "../random.ts";
import { assertPossible, type SignalRFaults, type SignalRStep } from "./faults.ts";
import { JournalLedgers } from "./journal.ts";
import type { SignalRSettings } from "./options.ts";
import { TokenBook } from "./token-book.ts";

/** What the two servers and everything in them share. */
export class Simulation {
  readonly settings: SignalRSettings;
  readonly clock: SimulatorClock;
  readonly timers: Timers;
  readonly faults: FaultScript<SignalRFaults>;
  readonly ledgers = new JournalLedgers();
  readonly tokens: TokenBook;

  constructor(settings: SignalRSettings) {
    this.settings = settings;
    this.clock = settings.clock;
    this.timers = new Timers(settings.clock);
    this.faults = new FaultScript(seededRandom(settings.seed), assertPossible);
    this.tokens = new TokenBook(this.ledgers.tokens, this.clock);
  }

  /** The fate of one event, written into the journal. */
  fault<Step extends SignalRStep>(step: Step, entity: string): SignalRFaults[Step] | undefined {
    const fault = this.faults.take(step, entity);
    if (fault !== undefined) {
      this.ledgers.faults.add({ at: this.clock.now(), step, entity, kind: fault.kind });
    }
    return fault;
  }

  /** A connection id or token, of the length that ASP.NET Core's have. */
  newId(): string {
    return randomBytes(16).toString("base64url");
  }
}
