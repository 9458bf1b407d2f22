import { admitService } from "../authenticate.ts";
import type { HubRight } from "../options.ts";
import type { HubRequest } from "./exchange.ts";

/** Lets a service in, or throws HubFailure 401003. */
export function requireRight(request: HubRequest, right: HubRight): void {
  admitService(request.hub, { token: request.headers.authorization, protocol: "https" }, right);
}
