import type { TokenCredentialOptions } from "@azure/identity";
import type { Classify } from "@holdfast/core";

type Policies = NonNullable<TokenCredentialOptions["additionalPolicies"]>;
type Headers = Awaited<ReturnType<Policies[number]["policy"]["sendRequest"]>>["headers"];

/** What the official error leaves out: the status of the issuer's answer, and its wish to be left alone (Retry-After). */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
}

/** Listens to what one official credential is answered. */
export class Exchange {
  #refusal: Answer | undefined;

  /** For the credential's `additionalPolicies`. */
  readonly policy: Policies[number] = {
    position: "perRetry",
    policy: {
      name: "holdfast-exchange",
      sendRequest: async (request, next) => {
        const response = await next(request);
        const { status, headers } = response;
        this.#refusal = status >= 400 ? { status, headers } : undefined;
        return response;
      },
    },
  };

  get refusal(): Answer | undefined {
    return this.#refusal;
  }
}

const answers = new WeakMap<object, Answer>();

export function rememberAnswer(error: unknown, answer: Answer | undefined): void {
  if (answer !== undefined && typeof error === "object" && error !== null) answers.set(error, answer);
}

/** Shows the table what is known of the answer beside the error. */
export function withAnswers(classify: Classify): Classify {
  return (error, wallNowMs) => {
    const answer = typeof error === "object" && error !== null ? answers.get(error) : undefined;
    if (answer === undefined || !(error instanceof Error)) return classify(error, wallNowMs);
    const { name, message } = error;
    return classify(
      { name, message, status: answer.status, headers: answer.headers, cause: error },
      wallNowMs,
    );
  };
}
