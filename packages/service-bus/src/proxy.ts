import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

/**
 * The way to a host through the proxy that `HTTPS_PROXY` or `ALL_PROXY` names, in either case; undefined when there is none,
 * or `NO_PROXY` excepts the host. AMQP over TCP knows no proxy, so it is for WebSockets only.
 */
export function proxyAgentFor(host: string): HttpsProxyAgent<string> | undefined {
  const proxy = getProxyForUrl(`https://${host}`);
  return proxy === "" ? undefined : new HttpsProxyAgent(proxy);
}
