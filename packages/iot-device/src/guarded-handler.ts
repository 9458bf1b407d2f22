import type { DeviceMethodRequest, DeviceMethodResponse } from "azure-iot-device";

export type UserMethodHandler = (request: DeviceMethodRequest, response: DeviceMethodResponse) => unknown;

/**
 * A method handler whose trouble stays its own: what it throws, or rejects with, is answered with 500 instead of ending
 * the process or leaving the caller to its timeout. So is a payload that has no JSON.
 */
export function guardedHandler(
  handler: UserMethodHandler,
  failed: (error: unknown) => void,
): (request: DeviceMethodRequest, response: DeviceMethodResponse) => void {
  return (request, response) => {
    guardAnswer(response, failed);
    const fail = (error: unknown): void => {
      failed(error);
      if (!response.isResponseComplete) void response.send(500, { message: messageOf(error) });
    };
    try {
      const returned = handler(request, response);
      if (returned instanceof Promise) returned.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

/** An answer that cannot be sent is an event, also when nobody awaits `send`. */
function guardAnswer(response: DeviceMethodResponse, failed: (error: unknown) => void): void {
  const send = response.send.bind(response) as (...args: unknown[]) => Promise<void> | undefined;
  const guarded = (status: unknown, ...rest: unknown[]): Promise<void> | undefined => {
    let sent: Promise<void> | undefined;
    try {
      JSON.stringify(rest[0]);
      sent = send(status, ...rest);
    } catch (error) {
      if (response.isResponseComplete || typeof status !== "number") throw error;
      failed(error);
      sent = send(500, { message: messageOf(error) }, ...rest.slice(1));
    }
    sent?.catch(failed);
    return sent;
  };
  response.send = guarded as DeviceMethodResponse["send"];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
