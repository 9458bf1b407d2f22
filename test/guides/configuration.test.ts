import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { queue } from "./scenarios.ts";
import { failed, wrappedScene } from "./wrapped-scene.ts";

it("SBC-030 a credential that is not set up is asked once more at most, and its own words are the caller's", async () => {
  await using bus = await serviceBus({ queues: [queue] });
  const unavailable = Object.assign(new Error("ManagedIdentityCredential: no identity is assigned."), {
    name: "CredentialUnavailableError",
  });
  let asked = 0;
  const credential = {
    getToken: () => {
      asked += 1;
      return Promise.reject(unavailable);
    },
  };
  await using client = new ServiceBusClient(
    `${bus.host};UseDevelopmentEmulator=true;X=/`,
    credential as never,
  );
  const { error, failure, ownMs } = await failed(client.createSender(queue).sendMessages({ body: 1 }));
  expect(error).toBe(unavailable);
  expect(failure).toMatchObject({ kind: "auth", id: "credential-unavailable" });
  expect(failure.remedy).toContain("assigned identity is missing");
  expect(asked).toBeLessThanOrEqual(2);
  expect(ownMs).toBeLessThan(5_000);
});

it("SBC-037 space around a connection string does no harm, and one within its key is found before anything is sent", async () => {
  await using at = await wrappedScene();
  for (const text of [` ${at.bus.connectionString}\n`, at.bus.connectionString.replaceAll(";", "; ")]) {
    await using client = new ServiceBusClient(text);
    await client.createSender(queue).sendMessages({ body: 1 });
  }
  expect(at.bus.journal.stored(queue)).toHaveLength(2);
  const broken = at.bus.connectionString.replace("SharedAccessKey=", "SharedAccessKey=a b");
  expect(() => new ServiceBusClient(broken)).toThrow(/SharedAccessKey holds a space/);
  // bare: finds out from the service.
  expect(() => new OfficialClient(broken)).not.toThrow();
});

it("SBC-037 a key whose characters were encoded for a URL is found before anything is sent", async () => {
  await using at = await wrappedScene();
  const encoded = at.bus.connectionString.replace(/(SharedAccessKey=[^;=]+)==/, "$1%3D%3D");
  expect(() => new ServiceBusClient(encoded)).toThrow(/SharedAccessKey is encoded for a URL/);
  // bare: is told by the service that its token is wrong, with its default options after 90 s (M-07).
  const bare = new OfficialClient(encoded, { retryOptions: { maxRetries: 0 } });
  await expect(bare.createSender(queue).sendMessages({ body: 1 })).rejects.toMatchObject({
    code: "UnauthorizedAccess",
  });
  await bare.close();
});
