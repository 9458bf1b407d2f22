import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import type { HubRequest, HubResponse, PathParameters, Route } from "./exchange.ts";

const created = (request: HubRequest): HubResponse => ({
  status: 201,
  headers: {
    ETag: '"0x8D000000000000"',
    "Last-Modified": new Date(request.hub.clock.wallNow()).toUTCString(),
    "x-ms-request-id": "simulated",
    "x-ms-request-server-encrypted": "true",
    "x-ms-version": "2021-04-10",
    "Content-Length": "0",
  },
});

/** Put Blob, Put Block or Put Block List: what the storage client does to upload a stream. */
function put(request: HubRequest, { device = "", blob = "" }: PathParameters): HubResponse {
  const { uploads } = request.hub;
  const name = `${device}/${blob}`;
  if (!uploads.mayWrite(name, request.query.get("sig"))) {
    throw new HubFailure({ ...hubErrors.unauthorized, status: 403, name: "AuthenticationFailed" });
  }
  switch (request.query.get("comp")) {
    case "block":
      uploads.putBlock(name, request.query.get("blockid") ?? "", request.body);
      break;
    case "blocklist": {
      const list = request.body.toString("utf8");
      const ids = [...list.matchAll(/<(?:Latest|Uncommitted|Committed)>([^<]*)</g)].map(([, id = ""]) => id);
      if (!uploads.commit(name, ids)) {
        throw new HubFailure(
          { ...hubErrors.argument, name: "InvalidBlockList" },
          "The block list is invalid.",
        );
      }
      break;
    }
    default:
      uploads.putBlob(name, request.body);
  }
  return created(request);
}

/** The container that devices upload to. https://learn.microsoft.com/rest/api/storageservices/put-block */
export const blobRoutes: readonly Route[] = [
  { method: "PUT", path: "/uploads/:device/*blob", step: "blob", handle: put },
];
