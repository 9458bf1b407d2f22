import { addRule } from "./add-rule.ts";
import { batchDeleteMessages } from "./batch-delete-messages.ts";
import { cancelScheduledMessage } from "./cancel-scheduled-message.ts";
import { enumerateRules } from "./enumerate-rules.ts";
import { getMessageSessions } from "./get-message-sessions.ts";
import { forNodes, type NodeOperation } from "./operation.ts";
import { peekMessage } from "./peek-message.ts";
import { receiveBySequenceNumber } from "./receive-by-sequence-number.ts";
import { removeRule } from "./remove-rule.ts";
import { renewLock } from "./renew-lock.ts";
import { renewSessionLock } from "./renew-session-lock.ts";
import { scheduleMessage } from "./schedule-message.ts";
import { getSessionState, setSessionState } from "./session-state.ts";
import { updateDisposition } from "./update-disposition.ts";

/** The operations of the `$management` node, by name. */
export const operations: ReadonlyMap<string, NodeOperation> = new Map([
  ["com.microsoft:renew-lock", forNodes(renewLock)],
  ["com.microsoft:peek-message", forNodes(peekMessage)],
  ["com.microsoft:schedule-message", forNodes(scheduleMessage)],
  ["com.microsoft:cancel-scheduled-message", forNodes(cancelScheduledMessage)],
  ["com.microsoft:receive-by-sequence-number", forNodes(receiveBySequenceNumber)],
  ["com.microsoft:update-disposition", forNodes(updateDisposition)],
  ["com.microsoft:renew-session-lock", forNodes(renewSessionLock)],
  ["com.microsoft:get-session-state", forNodes(getSessionState)],
  ["com.microsoft:set-session-state", forNodes(setSessionState)],
  ["com.microsoft:get-message-sessions", forNodes(getMessageSessions)],
  ["com.microsoft:add-rule", forNodes(addRule)],
  ["com.microsoft:remove-rule", forNodes(removeRule)],
  ["com.microsoft:batch-delete-messages", forNodes(batchDeleteMessages)],
  ["com.microsoft:enumerate-rules", forNodes(enumerateRules)],
]);
