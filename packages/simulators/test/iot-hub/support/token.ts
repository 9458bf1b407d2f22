import { createHmac } from "node:crypto";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";

/** A token of a device, made by hand as the documentation says. */
export function deviceToken(hub: IotHubSimulator, deviceId: string): string {
  const { authentication } = hub.device(deviceId);
  const key = authentication.type === "sas" ? authentication.primaryKey : "";
  const resource = encodeURIComponent(`${hub.hostName}/devices/${deviceId}`);
  const expiry = String(Math.floor(Date.now() / 1_000) + 600);
  const signature = createHmac("sha256", Buffer.from(key, "base64"))
    .update(`${resource}\n${expiry}`)
    .digest("base64");
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}`;
}
