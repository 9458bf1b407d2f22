import type { ServiceBusClient } from "@azure/service-bus";
import { systemClock, systemRandom } from "@holdfast/core";
import type { Handler } from "./message-work.ts";
import { processorSettings, type ProcessorOptions } from "./processor-options.ts";
import { Processor } from "./processor.ts";
import type { Resilience } from "./resilience.ts";

/** What a processor takes its messages from: a queue by name, or a subscription. */
export type ProcessorSource = string | { readonly topic: string; readonly subscription: string };

type Surroundings = Pick<Resilience, "clock" | "random" | "onEvent" | "closeTimeoutMs">;

const withoutResilience: Surroundings = {
  clock: systemClock,
  random: systemRandom,
  onEvent: undefined,
  closeTimeoutMs: 10_000,
};

/**
 * Makes a processor on a client, whose receivers and senders it uses.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function createProcessor(
  client: ServiceBusClient,
  source: ProcessorSource,
  handler: Handler,
  options: ProcessorOptions,
  surroundings: Surroundings = withoutResilience,
  onClosed: (processor: Processor) => void = () => {},
): Processor {
  const isQueue = typeof source === "string";
  const settings = processorSettings(options, isQueue ? "copy" : "hold");
  const { maxLockRenewalMs } = settings;
  const receiving =
    maxLockRenewalMs === undefined ? {} : { maxAutoLockRenewalDurationInMs: maxLockRenewalMs };
  const receiver = isQueue
    ? client.createReceiver(source, receiving)
    : client.createReceiver(source.topic, source.subscription, receiving);
  const { clock, random, onEvent, closeTimeoutMs } = surroundings;
  const processor = new Processor(handler, settings, {
    receiver,
    sender: () => client.createSender(isQueue ? source : source.topic),
    ...{ clock, random, onEvent, closeTimeoutMs },
    onClosed: () => {
      onClosed(processor);
    },
  });
  return processor;
}
