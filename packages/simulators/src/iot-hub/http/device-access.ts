import { admitDevice } from "../authenticate.ts";
import type { Identity } from "../identity.ts";
import type { HubRequest, PathParameters } from "./exchange.ts";

/** Lets a device or module in, by token or certificate; or throws HubFailure. */
export function requireDevice(request: HubRequest, { device = "", module }: PathParameters): Identity {
  const { identity } = admitDevice(request.hub, device, module, {
    token: request.headers.authorization,
    thumbprints: request.thumbprints,
    protocol: "https",
  });
  identity.lastActivityAt = request.hub.clock.wallNow();
  return identity;
}
