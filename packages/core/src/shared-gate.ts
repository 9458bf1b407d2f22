import { gate, type Gate, type GateOptions } from "./gate.ts";
import { registry } from "./registry.ts";

const gates = registry<Gate>("gates");

/**
 * The process's one gate for a namespace or hub. Whoever asks again gets the same one, and may only restrict it further.
 *
 * @param key - the service and what it counts by: `service-bus:my-ns.servicebus.windows.net`.
 * @throws HoldfastError `misconfigured`, like {@link gate}.
 */
export function sharedGate(key: string, options: GateOptions = {}): Gate {
  const found = gates.get(key, options.clock, () => gate(options));
  found.restrict(options);
  return found;
}
