/** What the hub keeps of an MQTT client between connections when the client asks it to. MQTT 3.1.2.4. */
export class MqttSession {
  /** Topic filters and the granted quality of service. */
  readonly subscriptions = new Map<string, 0 | 1>();
}
