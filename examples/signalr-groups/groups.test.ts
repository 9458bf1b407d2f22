import { answer, signalr } from "@holdfast/simulators/signalr";
import { expect, it } from "vitest";
import { member } from "./member.ts";
import { rooms } from "./rooms.ts";

it("reaches the members of a room and nobody else, also after everybody was cut off and the service refused to let one in", async () => {
  await using sim = await signalr({ hubs: ["chat"], service: { mode: "serverless" } });
  await using app = await rooms(sim.service.connectionString);
  const red: string[] = [];
  const blue: string[] = [];
  await using one = member(app.url, "red", (text) => red.push(text));
  await using other = member(app.url, "blue", (text) => blue.push(text));
  await Promise.all([one.start(), other.start()]);
  await app.say("red", "first");

  sim.faults.next("rest", answer(404)); // The first membership after the drop: its connection is made anew.
  const back = [one, other].map(
    (connection) =>
      new Promise((resolve) => {
        connection.onreconnected(resolve);
      }),
  );
  sim.dropConnections();
  await Promise.all(back);
  await app.say("red", "second");
  await app.say("blue", "third");
  await expect.poll(() => [red, blue], { timeout: 5_000 }).toEqual([["first", "second"], ["third"]]);
  const joins = sim.journal.requests().filter(({ method, step }) => method === "PUT" && step === "rest");
  expect(joins.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 404]);
  expect(sim.journal.connections("chat")).toHaveLength(5);
});
