import type { ConnectingStep } from "./connecting-step.ts";

/** The kinds of things that go wrong, each with one meaning for what to do next (see `rules.ts` for the defaults). */
export const faultKinds = [
  "transient",
  "timeout",
  "throttled",
  "disconnected",
  "auth",
  "token-limit",
  "quota",
  "lock-lost",
  "conflict",
  "duplicate-identity",
  "not-found",
  "too-large",
  "client-bug",
  "cancelled",
  "unknown",
] as const;

/** See {@link faultKinds}. */
export type FaultKind = (typeof faultKinds)[number];

/**
 * Whether the request can have taken effect when this fault is seen. `no`: it was refused or never left;
 * `maybe`: it may have been carried out and only the answer was lost.
 */
export type Sent = "no" | "maybe";

/** What went wrong, as data. Made from an error by a fault table, read by `decide()`. */
export interface Fault {
  readonly kind: FaultKind;
  /** The service whose table recognised it, e.g. `service-bus`. */
  readonly service: string;
  /** The row that recognised it: a ledger id such as `TH-13`, or a name. */
  readonly id: string;
  /** The official client's own code, when the error carries one. */
  readonly code: string | undefined;
  readonly sent: Sent;
  /** One sentence: what happened. */
  readonly because: string;
  /** One sentence: what to do about it. */
  readonly remedy: string;
  /** Where the service documents it. */
  readonly see: string | undefined;
  /** How long the service asked us to wait, in milliseconds. */
  readonly hintMs: number | undefined;
  /** The claim the identity lacks. */
  readonly missingClaim: "Send" | "Listen" | "Manage" | undefined;
  /** The service's own code within the status, e.g. `40901`, where its text has one. */
  readonly subCode?: string | undefined;
  /** The step of connecting that failed, where that is truly known. */
  readonly step?: ConnectingStep | undefined;
  /** The service's id of the failed request, for a support ticket. */
  readonly trackingId: string | undefined;
  /** Which part of the service failed it, for a support ticket, e.g. `contoso:Queue:orders`. */
  readonly systemTracker?: string | undefined;
  /** When it failed by the service's clock, as the service writes it, e.g. `2026-01-02T03:04:05`. */
  readonly serverTimestamp?: string | undefined;
}
