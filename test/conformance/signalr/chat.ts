import { HubException, signalr, type HubCall, type SignalRSimulator } from "@holdfast/simulators/signalr";

/** A hub with a method of each kind. */
export async function chat(): Promise<SignalRSimulator> {
  const sim = await signalr({ hubs: ["chat"] });
  sim
    .hub("chat")
    .on("Echo", (_: HubCall, ...values: unknown[]) => (values.length === 1 ? values[0] : values))
    .on("Nothing", () => undefined)
    .on("Fail", () => {
      throw new Error("secret");
    })
    .on("Refuse", () => {
      throw new HubException("no such room");
    })
    .on("Join", ({ groups, connectionId }: HubCall, room: string) => {
      groups.add(connectionId, room);
    })
    .on("Say", ({ clients }: HubCall, room: string, words: string) => {
      clients.group(room).send("Said", room, words);
    })
    .on("Count", async function* (_: HubCall, to: number) {
      for (let number = 1; number <= to; number += 1) yield await Promise.resolve(number);
    })
    .on("Break", async function* () {
      yield await Promise.resolve(1);
      throw new HubException("broken off");
    })
    .on("Forever", async function* ({ signal }: HubCall) {
      for (let number = 1; !signal.aborted; number += 1) {
        yield number;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })
    .on("Sum", async (_: HubCall, numbers: AsyncIterable<number>) => {
      let sum = 0;
      for await (const number of numbers) sum += number;
      return sum;
    })
    .on("Double", async function* (_: HubCall, numbers: AsyncIterable<number>) {
      for await (const number of numbers) yield number * 2;
    })
    .on("Ask", async ({ clients }: HubCall, question: string) => clients.caller.invoke("Answer", question));
  return sim;
}
