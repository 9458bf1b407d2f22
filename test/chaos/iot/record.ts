/** What the application was told about a message that it sent. */
export interface TelemetryRecord {
  readonly messageId: string;
  /** `pending`: not answered when the run ended. */
  outcome: "resolved" | "rejected" | "pending";
  error?: string;
}

/** What happened to the device's application in a run: the side that the journal does not see. */
export interface DeviceRecord {
  /** In the order in which the application sent them. */
  readonly sends: readonly TelemetryRecord[];
  /** Ids of the messages from the cloud that the application was given, one for each time. */
  readonly commands: readonly string[];
  /** Whether, when all was over, it answered a method and was given a message from the cloud. */
  readonly answersMethods: boolean;
  readonly hearsMessages: boolean;
  /** Undefined when `close()` did not resolve within its bound. */
  readonly closedInMs: number | undefined;
  /** From the last fault until every send was answered; undefined when that did not happen. */
  readonly quietAfterMs: number | undefined;
}
