import { once, type EventEmitter } from "node:events";
import rhea, { type Connection, type EventContext, type Receiver, type Sender } from "rhea";
import type { ServiceBusSimulator } from "@holdfast/simulators/service-bus";

/** Credentials of the simulator's first key, for SASL PLAIN. */
export function plainCredentials(bus: ServiceBusSimulator): { username: string; password: string } {
  const [, username = "", password = ""] =
    /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(bus.connectionString) ?? [];
  return { username, password };
}

/** The next event of that name. */
export async function next(emitter: EventEmitter, event: string): Promise<EventContext> {
  const [context] = (await once(emitter, event)) as [EventContext];
  return context;
}

/** A client that knows nothing of Service Bus: rhea alone, logged in with SASL PLAIN unless told otherwise. */
export async function rawConnection(
  bus: ServiceBusSimulator,
  options: Record<string, unknown> = {},
): Promise<Connection> {
  const connection = rhea.create_container().connect({
    port: bus.port,
    host: "127.0.0.1",
    reconnect: false,
    ...plainCredentials(bus),
    ...options,
  });
  for (const event of ["error", "disconnected", "connection_error"]) connection.on(event, () => undefined);
  await next(connection, "connection_open");
  return connection;
}

/** Opens a sending link and waits for credit. */
export async function openSender(
  connection: Connection,
  target: string,
  options: object = {},
): Promise<Sender> {
  const sender = connection.open_sender({ target: { address: target }, ...options });
  await next(sender, "sendable");
  return sender;
}

/** Opens a receiving link that settles nothing by itself and has the given credit. */
export async function openReceiver(
  connection: Connection,
  source: string,
  { credit = 0, ...options }: { credit?: number } & Record<string, unknown> = {},
): Promise<Receiver> {
  const receiver = connection.open_receiver({
    source: { address: source },
    credit_window: 0,
    autoaccept: false,
    ...options,
  });
  await next(receiver, "receiver_open");
  if (credit > 0) receiver.add_credit(credit);
  return receiver;
}
