import type { SenderLink } from "../../service-bus/amqp-engine.ts";
import type { EventPartition } from "../event-log.ts";
import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { encodeEvent } from "./event-message.ts";
import type { HubLink } from "./link.ts";
import { OutgoingLink } from "./outgoing.ts";

/** Where a consumer reads: a partition, for a consumer group. */
export interface EventPlace {
  readonly group: string;
  readonly partition: string;
}

/** Takes the address of a partition apart; undefined when it is none. */
export function eventPlaceOf(address: string): EventPlace | undefined {
  const match = /\/ConsumerGroups\/([^/]+)\/Partitions\/(\d+)$/i.exec(address);
  return match?.[1] === undefined ? undefined : { group: match[1], partition: match[2] ?? "" };
}

const POSITION =
  /amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*'?(@latest|-?\d+)'?/;

/** The number of the first event that a filter asks for. @throws HubFailure 400 when it is not understood */
function startOf(
  partition: EventPartition,
  filter: Readonly<Record<string, unknown>> | null | undefined,
): number {
  const given = filter?.["apache.org:selector-filter:string"];
  if (given === undefined) return partition.first;
  // AMQP 3.5.8 wants a filter described; some clients give the bare string.
  const value = typeof given === "object" && given !== null && "value" in given ? given.value : given;
  const selector = typeof value === "string" ? value : "";
  const match = POSITION.exec(selector);
  if (match === null) throw new HubFailure(hubErrors.argument, `The filter '${selector}' is not valid.`);
  const [, what, operator, position = ""] = match;
  if (position === "@latest") return partition.next;
  if (what === "enqueued-time") return partition.after(Number(position));
  // Offsets are sequence numbers here; "-1" is before the first.
  return Number(position) + (operator === ">" ? 1 : 0);
}

/** Consumers that own their partition: the one with the highest epoch ends the others. */
const owners = new WeakMap<EventPartition, Map<string, { readonly epoch: number; readonly link: HubLink }>>();

/** @throws HubFailure when another consumer with a higher epoch reads here */
function own(partition: EventPartition, group: string, link: HubLink, epoch: number | undefined): void {
  const groups = owners.get(partition) ?? new Map<string, { epoch: number; link: HubLink }>();
  owners.set(partition, groups);
  const key = group.toLowerCase();
  const owner = groups.get(key);
  if (owner !== undefined && (epoch === undefined || epoch < owner.epoch)) {
    throw new HubFailure(
      hubErrors.takenOver,
      `At least one receiver for the endpoint is created with epoch of '${String(owner.epoch)}', and so this receiver is not allowed.`,
    );
  }
  if (epoch === undefined) return;
  owner?.link.detach({
    condition: "amqp:link:stolen",
    description: `New receiver with higher epoch of '${String(epoch)}' is created hence current receiver with epoch '${String(owner.epoch)}' is getting disconnected.`,
  });
  groups.set(key, { epoch, link });
  link.whenEnded(() => {
    if (groups.get(key)?.link === link) groups.delete(key);
  });
}

/** A consumer reads the events of a partition on this link. */
export function attachEvents(link: HubLink, sender: SenderLink, place: EventPlace): void {
  const { hub } = link.connection;
  const partition = hub.events.partitions[Number(place.partition)];
  let next: number;
  try {
    if (partition === undefined) {
      throw new HubFailure(hubErrors.argument, `There is no partition '${place.partition}'.`);
    }
    const { source } = sender.remote.attach;
    const epoch = sender.properties?.["com.microsoft:epoch"];
    own(partition, place.group, link, epoch === undefined || epoch === null ? undefined : Number(epoch));
    next = startOf(partition, source.filter);
  } catch (error) {
    if (!(error instanceof HubFailure)) throw error;
    link.detach({ condition: error.error.condition, description: error.error.message });
    return;
  }
  const outgoing = new OutgoingLink(link, sender, pump);
  function pump(): void {
    for (
      let event = partition?.at(next);
      event !== undefined && outgoing.isReady;
      event = partition?.at(next)
    ) {
      next = event.sequenceNumber + 1;
      outgoing.send(encodeEvent(hub, event), () => undefined);
    }
  }
  link.whenEnded(partition.watch(pump));
  pump();
}
