import { Client, Registry } from "azure-iothub";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";

interface WithRestApi {
  _restApiClient: { setOptions(options: object): void };
}

/**
 * The official service clients always send HTTPS to port 443 and make an agent of their own. Against any other
 * port the agent must be replaced, which their public interface does not offer.
 */
function leadHere<T extends object>(client: T, hub: IotHubSimulator): T {
  (client as unknown as WithRestApi)._restApiClient.setOptions({ http: { agent: hub.agent() } });
  return client;
}

export function registryClient(hub: IotHubSimulator, policy?: string): Registry {
  return leadHere(Registry.fromConnectionString(hub.serviceConnectionString(policy)), hub);
}

export function serviceClient(hub: IotHubSimulator, policy?: string): Client {
  return leadHere(Client.fromConnectionString(hub.serviceConnectionString(policy)), hub);
}
