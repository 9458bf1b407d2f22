import { hubErrors, type HubError } from "./hub-error.ts";

/** Over MQTT the hub logs a takeover under a code of its own. */
export const takenOverOnMqtt: HubError = Object.freeze({
  ...hubErrors.takenOver,
  code: 400027,
  name: "ConnectionForcefullyClosedOnNewConnection",
});
