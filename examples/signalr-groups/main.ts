// npm start -w examples/signalr-groups: against a simulated service that cuts everybody off once, or, with AZURE_SIGNALR_CONNECTION_STRING set, against yours (serverless).
import process from "node:process";
import { signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import type { HubConnection } from "@holdfast/signalr";
import { member } from "./member.ts";
import { rooms } from "./rooms.ts";

const given = process.env["AZURE_SIGNALR_CONNECTION_STRING"];
if (given === undefined) {
  await using sim = await signalr({ hubs: ["chat"], service: { mode: "serverless" } });
  await demonstrate(sim.service.connectionString, sim);
} else {
  await demonstrate(given, undefined);
}

async function demonstrate(connectionString: string, sim: SignalRSimulator | undefined): Promise<void> {
  await using app = await rooms(connectionString);
  const heard: string[] = [];
  const hears =
    (name: string) =>
    (text: string): void => {
      console.log(`${name} heard: ${text}`);
      heard.push(text);
    };
  await using ada = member(app.url, "red", hears("Ada, in red,"));
  await using bo = member(app.url, "blue", hears("Bo, in blue,"));
  await Promise.all([ada.start(), bo.start()]);
  const sayToBoth = async (text: string): Promise<void> => {
    const before = heard.length;
    for (const room of ["red", "blue"]) await app.say(room, `${text}, ${room}`);
    while (heard.length < before + 2) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await sayToBoth("hello");
  if (sim === undefined) return;
  console.log("the service cuts everybody off");
  const back = [ada, bo].map(returned);
  sim.dropConnections();
  await Promise.all(back);
  await sayToBoth("hello again");
}

function returned(connection: HubConnection): Promise<void> {
  return new Promise((resolve) => {
    connection.onreconnected(() => {
      resolve();
    });
  });
}
