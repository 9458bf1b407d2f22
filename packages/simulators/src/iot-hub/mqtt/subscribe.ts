import type { ISubscribePacket, IUnsubscribePacket } from "mqtt-packet";
import type { HubError } from "../hub-error.ts";
import type { HubSubscriptionEntry } from "../journal-entries.ts";
import { performStep } from "../step.ts";
import type { MqttConnection } from "./connection.ts";
import { featureOf } from "./topics.ts";

// MQTT 3.9.3: the return code of a subscription that was refused.
const REFUSED = 0x80;

function journal(
  connection: MqttConnection,
  topic: string,
  qos: number,
  outcome: HubSubscriptionEntry["outcome"],
  condition?: string,
): void {
  const { hub, id, identity } = connection;
  hub.ledgers.subscriptions.add({
    at: hub.clock.now(),
    device: identity.key,
    connection: id,
    topic,
    qos,
    outcome,
    ...(condition === undefined ? {} : { condition }),
  });
}

/** A SUBSCRIBE packet has arrived. MQTT 3.8. */
export function subscribe(connection: MqttConnection, packet: ISubscribePacket): void {
  const { hub, identity, session } = connection;
  const { subscriptions: wanted, messageId = 0 } = packet;
  performStep(hub, hub.fault("subscribe", identity.key), {
    act: () =>
      wanted.map(({ topic, qos }) => {
        const known = session.subscriptions.has(topic);
        const full = !known && session.subscriptions.size >= hub.settings.maxSubscriptions;
        if (featureOf(topic, identity) === undefined || full) {
          journal(connection, topic, qos, "refused");
          return REFUSED;
        }
        const granted = qos === 0 ? 0 : 1;
        session.subscriptions.set(topic, granted);
        journal(connection, topic, granted, "granted");
        return granted;
      }),
    answer: (granted) => {
      connection.send({ cmd: "suback", messageId, granted });
      hub.presence.changed(identity.key);
      connection.commands.start();
    },
    refuse: (error: HubError) => {
      hub.refused("subscribe", error, {
        device: identity.key,
        connection: connection.id,
        protocol: connection.protocol,
      });
      for (const { topic, qos } of wanted) journal(connection, topic, qos, "refused", error.name);
      connection.send({ cmd: "suback", messageId, granted: wanted.map(() => REFUSED) });
    },
    leaveUnanswered: () => {
      for (const { topic, qos } of wanted) journal(connection, topic, qos, "unanswered");
    },
    suffer: (fault) => {
      connection.suffer(fault);
    },
  });
}

/** An UNSUBSCRIBE packet has arrived. MQTT 3.10. */
export function unsubscribe(connection: MqttConnection, packet: IUnsubscribePacket): void {
  const { hub, identity, session } = connection;
  const { unsubscriptions, messageId = 0 } = packet;
  performStep(hub, hub.fault("unsubscribe", identity.key), {
    act: () => {
      for (const topic of unsubscriptions) {
        if (session.subscriptions.delete(topic)) journal(connection, topic, 0, "ended");
      }
      if (!connection.isSubscribed("commands")) connection.commands.stop();
    },
    answer: () => {
      // The typings ask for the codes that MQTT 5 has here.
      connection.send({ cmd: "unsuback", messageId, granted: [] });
    },
    // MQTT has no refusal here.
    refuse: () => {
      connection.drop("fin", "unsubscribe refused");
    },
    suffer: (fault) => {
      connection.suffer(fault);
    },
  });
}
