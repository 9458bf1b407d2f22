import type {
  CorrelationRuleFilter,
  OperationOptionsBase,
  RuleProperties,
  ServiceBusRuleManager,
  SqlRuleAction,
  SqlRuleFilter,
} from "@azure/service-bus";
import { failureOf, run } from "@holdfast/core";
import type { EntityConnection } from "./entity-connection.ts";
import { timeoutError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";

type RulesIterator = ReturnType<ServiceBusRuleManager["listRules"]>;
type ListOptions = Parameters<ServiceBusRuleManager["listRules"]>[0];
type PageSettings = Parameters<RulesIterator["byPage"]>[0];

// See sender.ts: a management operation costs 10 credits.
const managementCredits = 10;

// The official client's.
const rulesPerPage = 100;

/** The rules of a subscription; every call is retried under the policy `serviceBus.rules`. */
export class RuleManager implements ServiceBusRuleManager {
  readonly #connection: EntityConnection;
  readonly #topicName: string;
  readonly #subscriptionName: string;
  readonly #resilience: Resilience;

  constructor(
    connection: EntityConnection,
    topicName: string,
    subscriptionName: string,
    resilience: Resilience,
  ) {
    this.#connection = connection;
    this.#topicName = topicName;
    this.#subscriptionName = subscriptionName;
    this.#resilience = resilience;
  }

  /**
   * Adds a rule.
   *
   * @throws `MessagingEntityAlreadyExists` also when an attempt before, whose answer was lost, has added it: then
   * `failureOf(error).outcome` is `unknown`.
   */
  createRule(
    ruleName: string,
    filter: SqlRuleFilter | CorrelationRuleFilter,
    actionOrOptions?: SqlRuleAction | OperationOptionsBase,
    options?: OperationOptionsBase,
  ): Promise<void> {
    const [action, given] = isAction(actionOrOptions)
      ? [actionOrOptions, options]
      : [undefined, { ...actionOrOptions, ...options }];
    return this.#run(given, (manager, abortSignal) =>
      action === undefined
        ? manager.createRule(ruleName, filter, { ...given, abortSignal })
        : manager.createRule(ruleName, filter, action, { ...given, abortSignal }),
    );
  }

  /** Removes a rule; one that an attempt before has removed is removed. */
  async deleteRule(ruleName: string, options: OperationOptionsBase = {}): Promise<void> {
    try {
      await this.#run(options, (manager, abortSignal) =>
        manager.deleteRule(ruleName, { ...options, abortSignal }),
      );
    } catch (error) {
      const failure = failureOf(error);
      if (failure?.kind !== "not-found" || failure.outcome !== "unknown") throw error;
    }
  }

  /** The rules, page after page. */
  listRules(options?: ListOptions): RulesIterator {
    const pages = (settings?: PageSettings): AsyncGenerator<RuleProperties[]> =>
      this.#pages(options, settings);
    const single = each(pages());
    return {
      next: () => single.next(),
      [Symbol.asyncIterator]() {
        return this;
      },
      byPage: (settings) => pages(settings),
    };
  }

  /** Gives the connection back. */
  end(): void {
    this.#connection.close();
  }

  async *#pages(options: ListOptions, settings: PageSettings = {}): AsyncGenerator<RuleProperties[]> {
    const { maxPageSize = rulesPerPage } = settings;
    // The official token is the number of rules before the page.
    let before = Number(settings.continuationToken ?? 0);
    for (;;) {
      const continuationToken = before as unknown as string;
      const page = await this.#run(options, (manager, abortSignal) =>
        manager
          .listRules({ ...options, abortSignal })
          .byPage({ maxPageSize, continuationToken })
          .next(),
      );
      if (page.done === true || page.value.length === 0) return;
      before += page.value.length;
      yield page.value;
    }
  }

  #run<T>(
    options: OperationOptionsBase | undefined,
    work: (manager: ServiceBusRuleManager, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { policy, classify, clock, random, onEvent, gate } = this.#resilience;
    const { entityPath } = this.#connection;
    return run(
      (attempt) =>
        this.#connection.manage(
          (_receiver, client) =>
            work(client.createRuleManager(this.#topicName, this.#subscriptionName), attempt.signal),
          attempt,
        ),
      {
        ...{ operation: "serviceBus.rules", target: entityPath, policy: policy("serviceBus.rules") },
        ...{ classify, clock, random, onEvent, gate, lane: "administration", cost: managementCredits },
        signal: options?.abortSignal,
        act: (action) => {
          if (action === "rotate") this.#connection.rotateCalls();
        },
        timeoutError: (ms) => timeoutError(entityPath, ms),
      },
    );
  }
}

function isAction(value: SqlRuleAction | OperationOptionsBase | undefined): value is SqlRuleAction {
  return value !== undefined && "sqlExpression" in value;
}

async function* each(pages: AsyncGenerator<RuleProperties[]>): AsyncGenerator<RuleProperties> {
  for await (const page of pages) yield* page;
}
