import type { ServiceBusReceivedMessage } from "@azure/service-bus";

type Properties = Record<string, unknown>;

/** The parts of a received message that may hold dates, as they can be written. */
interface Dated {
  applicationProperties?: Properties;
  readonly _rawAmqpMessage: {
    applicationProperties?: Properties;
    deliveryAnnotations?: Properties;
    messageAnnotations?: Properties;
  };
}

/**
 * Puts numbers (milliseconds since 1970) in place of the dates in a message's properties and annotations, as the official client
 * does without `skipConvertingDate`. It asks every value in several ways whether it is a date, which is a twentieth of what
 * receiving costs; few are.
 */
export function putNumbersForDates(message: ServiceBusReceivedMessage): void {
  const { _rawAmqpMessage: raw, applicationProperties } = message as unknown as Dated;
  // Two objects, as the official client has them.
  if (applicationProperties !== undefined) {
    (message as unknown as Dated).applicationProperties = convertedAll({ ...applicationProperties });
  }
  if (raw.applicationProperties !== undefined) convertedAll(raw.applicationProperties);
  if (raw.deliveryAnnotations !== undefined) convertedAll(raw.deliveryAnnotations);
  if (raw.messageAnnotations !== undefined) convertedAll(raw.messageAnnotations);
}

function convertedAll(properties: Properties): Properties {
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    if (typeof value === "object" && value !== null) properties[name] = converted(value);
  }
  return properties;
}

function converted(value: object): unknown {
  if (value instanceof Date) return value.getTime();
  if (Array.isArray(value)) {
    return value.map((one: unknown) => (typeof one === "object" && one !== null ? converted(one) : one));
  }
  // A lock token is of bytes, and each message has one; to spread it takes eight times as long.
  return value instanceof Uint8Array ? indexed(value) : convertedAll({ ...value });
}

function indexed(bytes: Uint8Array): Record<number, number | undefined> {
  const copy: Record<number, number | undefined> = {};
  for (let index = 0; index < bytes.length; index += 1) copy[index] = bytes[index];
  return copy;
}
