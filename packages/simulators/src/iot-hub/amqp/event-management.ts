import rhea from "rhea";
import type { ReceiverLink, SenderLink } from "../../service-bus/amqp-engine.ts";
import { codec } from "../../service-bus/amqp-types.ts";
import type { Hub } from "../hub.ts";
import type { AmqpConnection } from "./connection.ts";
import { receiveOn } from "./incoming.ts";
import type { HubLink } from "./link.ts";
import type { AmqpMessage } from "./message.ts";
import { OutgoingLink } from "./outgoing.ts";

const messages = rhea.message as unknown as { encode(message: object): Buffer };
const STRING = 0xa1;

const replies = new WeakMap<AmqpConnection, Map<string, OutgoingLink>>();

/** The half of the management node on which answers go back. @param replyTo - what requests name it by */
export function attachEventReplies(link: HubLink, sender: SenderLink, replyTo: string): void {
  const { connection } = link;
  const all = replies.get(connection) ?? new Map<string, OutgoingLink>();
  replies.set(connection, all);
  const outgoing = new OutgoingLink(link, sender);
  all.set(replyTo, outgoing);
  link.whenEnded(() => {
    if (all.get(replyTo) === outgoing) all.delete(replyTo);
  });
}

/** The half of the management node on which requests arrive. */
export function attachEventRequests(link: HubLink, receiver: ReceiverLink): void {
  receiveOn(link, receiver, (incoming) => {
    incoming.accept();
    const { message } = incoming;
    const known = replies.get(link.connection);
    // A client has one such pair of links; which name it gave the answers does not matter then.
    const outgoing = known?.get(message.replyTo ?? "") ?? [...(known?.values() ?? [])].at(-1);
    outgoing?.send(answer(link.connection.hub, message));
  });
}

/** What Event Hubs clients ask for: READ of the event hub, or of a partition. */
function answer(hub: Hub, { properties, rawMessageId }: AmqpMessage): Buffer {
  const body = properties["operation"] === "READ" ? described(hub, properties) : undefined;
  const [status, description] = body === undefined ? [404, "Not found"] : [200, "OK"];
  return messages.encode({
    correlation_id: rawMessageId,
    application_properties: {
      // Clients of different languages look for different spellings.
      "status-code": codec.wrap_int(status),
      "status-description": description,
      statusCode: codec.wrap_int(status),
      statusDescription: description,
    },
    body: body ?? {},
  });
}

function described(hub: Hub, properties: AmqpMessage["properties"]): Record<string, unknown> | undefined {
  const { partitions, createdAt } = hub.events;
  const name = hub.settings.eventHub.name;
  if (properties["type"] === "com.microsoft:eventhub") {
    return {
      name,
      type: "com.microsoft:eventhub",
      created_at: codec.wrap_timestamp(createdAt),
      partition_count: codec.wrap_int(partitions.length),
      partition_ids: codec.wrap_array(
        partitions.map(({ id }) => id),
        STRING,
      ),
    };
  }
  const partition = partitions[Number(properties["partition"])];
  if (properties["type"] !== "com.microsoft:partition" || partition === undefined) return undefined;
  const { first, last } = partition;
  return {
    name,
    type: "com.microsoft:partition",
    partition: partition.id,
    begin_sequence_number: codec.wrap_long(first),
    last_enqueued_sequence_number: codec.wrap_long(last?.sequenceNumber ?? -1),
    last_enqueued_offset: codec.wrap_string(String(last?.sequenceNumber ?? -1)),
    last_enqueued_time_utc: codec.wrap_timestamp(last?.entry.enqueuedAt ?? 0),
    is_partition_empty: last === undefined,
  };
}
