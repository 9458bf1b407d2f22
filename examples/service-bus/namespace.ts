import process from "node:process";
import {
  ServiceBusAdministrationClient,
  type ServiceBusAdministrationClientOptions,
} from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";

/** What an example needs; names begin with "holdfast-example-", so that nobody else's are touched. */
export interface Entities {
  readonly queues?: readonly { readonly name: string; readonly requiresSession?: boolean }[];
  readonly topics?: readonly { readonly name: string; readonly subscriptions: readonly string[] }[];
}

export interface Namespace extends AsyncDisposable {
  readonly connectionString: string;
  /** What an administration client is made with. The simulator has a port and a certificate of its own for it. */
  readonly administration: readonly [string, ServiceBusAdministrationClientOptions];
}

/**
 * The namespace of SERVICEBUS_CONNECTION_STRING, where what is missing is created (the key needs the right to manage) and
 * stays; without that variable a simulator.
 */
export async function namespace(entities: Entities): Promise<Namespace> {
  const connectionString = process.env["SERVICEBUS_CONNECTION_STRING"] ?? "";
  if (connectionString === "") {
    const bus = await serviceBus({ ...entities, tls: true });
    return {
      connectionString: bus.connectionString,
      administration: [bus.tls?.connectionString ?? "", { tlsOptions: { ca: bus.tls?.ca ?? "" } }],
      [Symbol.asyncDispose]: () => bus.close(),
    };
  }
  await create(entities, new ServiceBusAdministrationClient(connectionString));
  return {
    connectionString,
    administration: [connectionString, {}],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function create(
  { queues = [], topics = [] }: Entities,
  admin: ServiceBusAdministrationClient,
): Promise<void> {
  for (const { name, requiresSession = false } of queues) {
    if (!(await admin.queueExists(name))) await admin.createQueue(name, { requiresSession });
  }
  for (const { name, subscriptions } of topics) {
    if (!(await admin.topicExists(name))) await admin.createTopic(name);
    for (const one of subscriptions) {
      if (!(await admin.subscriptionExists(name, one))) await admin.createSubscription(name, one);
    }
  }
}
