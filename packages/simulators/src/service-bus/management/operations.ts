import { cancelScheduledMessage } from "./cancel-scheduled-message.ts";
import type { Operation } from "./operation.ts";
import { peekMessage } from "./peek-message.ts";
import { receiveBySequenceNumber } from "./receive-by-sequence-number.ts";
import { renewLock } from "./renew-lock.ts";
import { scheduleMessage } from "./schedule-message.ts";
import { updateDisposition } from "./update-disposition.ts";

/** The operations of the `$management` node, by name. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ["com.microsoft:renew-lock", renewLock],
  ["com.microsoft:peek-message", peekMessage],
  ["com.microsoft:schedule-message", scheduleMessage],
  ["com.microsoft:cancel-scheduled-message", cancelScheduledMessage],
  ["com.microsoft:receive-by-sequence-number", receiveBySequenceNumber],
  ["com.microsoft:update-disposition", updateDisposition],
]);
