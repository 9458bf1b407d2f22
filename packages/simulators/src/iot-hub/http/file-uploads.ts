import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { requireDevice } from "./device-access.ts";
import { jsonOf, type HubRequest, type HubResponse, type PathParameters, type Route } from "./exchange.ts";

function begin(request: HubRequest, parameters: PathParameters): HubResponse {
  const identity = requireDevice(request, parameters);
  const { blobName } = jsonOf(request);
  if (typeof blobName !== "string" || blobName === "") {
    throw new HubFailure(hubErrors.argument, "blobName is missing.");
  }
  return { status: 200, body: request.hub.uploads.begin(identity, blobName) };
}

function report(request: HubRequest, parameters: PathParameters): HubResponse {
  const { deviceId } = requireDevice(request, parameters);
  const { isSuccess, statusCode, correlationId } = jsonOf(request);
  const id = parameters["correlation"] ?? (typeof correlationId === "string" ? correlationId : "");
  request.hub.uploads.report(deviceId, id, {
    isSuccess: isSuccess === true,
    statusCode: typeof statusCode === "number" ? statusCode : 0,
  });
  return { status: 204 };
}

const files = "/devices/:device/files";

/** File uploads. https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-file-upload */
export const fileUploadRoutes: readonly Route[] = [
  { method: "POST", path: files, step: "upload", errors: "json", handle: begin },
  { method: "POST", path: `${files}/notifications`, step: "upload-notify", errors: "json", handle: report },
  {
    method: "POST",
    path: `${files}/notifications/:correlation`,
    step: "upload-notify",
    errors: "json",
    handle: report,
  },
];
