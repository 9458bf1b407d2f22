import type { ServiceBusClient } from "@azure/service-bus";
import { systemClock, systemRandom } from "@holdfast/core";
import type { MessageSource } from "./message-source.ts";
import type { Handler } from "./message-work.ts";
import { processorSettings, type ProcessorOptions } from "./processor-options.ts";
import { Processor } from "./processor.ts";
import { sessionSettings, type SessionProcessorOptions } from "./session-processor-options.ts";
import { SessionProcessor } from "./session-processor.ts";
import type { SessionContext } from "./session-service.ts";
import type { Resilience } from "./resilience.ts";

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
  source: MessageSource,
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

/**
 * Makes a session processor on a client, whose receivers and senders it uses.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function createSessionProcessor(
  client: ServiceBusClient,
  source: MessageSource,
  handler: Handler<SessionContext>,
  options: SessionProcessorOptions,
  surroundings: Surroundings = withoutResilience,
  onClosed: (processor: SessionProcessor) => void = () => {},
): SessionProcessor {
  const {
    sessions: _1,
    callsPerSession: _2,
    idleTimeoutMs: _3,
    sessionIds: _4,
    whenHeld: _5,
    ...common
  } = options;
  const settings = processorSettings(common, "hold");
  const { maxLockRenewalMs } = settings;
  const receiving =
    maxLockRenewalMs === undefined ? {} : { maxAutoLockRenewalDurationInMs: maxLockRenewalMs };
  const { clock, random, onEvent, closeTimeoutMs } = surroundings;
  const isQueue = typeof source === "string";
  const processor = new SessionProcessor(handler, settings, sessionSettings(options), {
    entityPath: isQueue ? source : `${source.topic}/Subscriptions/${source.subscription}`,
    accept: (sessionId, ours) => {
      const official = { ...receiving, ...ours };
      if (isQueue) {
        return sessionId === undefined
          ? client.acceptNextSession(source, official)
          : client.acceptSession(source, sessionId, official);
      }
      const { topic, subscription } = source;
      return sessionId === undefined
        ? client.acceptNextSession(topic, subscription, official)
        : client.acceptSession(topic, subscription, sessionId, official);
    },
    sender: () => client.createSender(isQueue ? source : source.topic),
    ...{ clock, random, onEvent, closeTimeoutMs },
    onClosed: () => {
      onClosed(processor);
    },
  });
  return processor;
}
