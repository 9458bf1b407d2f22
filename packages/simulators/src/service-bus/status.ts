import { conditions } from "./conditions.ts";

/** The status that goes with a condition in an answer of `$cbs` or `$management`. */
export function statusOf(condition: string): number {
  switch (condition) {
    case conditions.unauthorized:
    case conditions.authFailed:
      return 401;
    case conditions.quotaExceeded:
      return 403;
    case conditions.notFound:
    case conditions.messageNotFound:
      return 404;
    case conditions.timeout:
      return 408;
    case conditions.entityExists:
      return 409;
    case conditions.messageLockLost:
    case conditions.sessionLockLost:
    case conditions.sessionCannotBeLocked:
      return 410;
    case conditions.notAllowed:
    case conditions.entityDisabled:
      return 400;
    case conditions.notImplemented:
      return 501;
    case conditions.serverBusy:
      return 503;
    default:
      return 500;
  }
}
