import { format } from "node:util";
import { redact } from "@holdfast/core";

/** What `@azure/logger` calls `AzureLogger`: where all Azure packages of the process write. */
export interface OfficialLog {
  log: (...args: unknown[]) => void;
}

/**
 * Takes keys, signatures and tokens out of all that the Azure packages of this process log, at every level. It is not done unasked,
 * for the log belongs to the application.
 *
 * ```ts
 * const require = createRequire(import.meta.url); // the official client is CommonJS, and so is the copy of the log it writes to
 * const { AzureLogger } = createRequire(require.resolve("@azure/service-bus"))("@azure/logger");
 * redactOfficialLog(AzureLogger);
 * ```
 *
 * @returns puts back what the log was before.
 */
export function redactOfficialLog(logger: OfficialLog): () => void {
  const before = logger.log;
  const clean: OfficialLog["log"] = (...args) => {
    before(redact(format(...args)));
  };
  logger.log = clean;
  return () => {
    // Somebody may have put his own in place since.
    if (logger.log === clean) logger.log = before;
  };
}
