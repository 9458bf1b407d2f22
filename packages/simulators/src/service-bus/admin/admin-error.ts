/** What the service answers to a request for administration that it refuses. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly status: number;
  /** Seconds of the `Retry-After` header. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, detail: string, retryAfterSeconds?: number) {
    super(detail);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The service's answers, in its words; the sub codes are those that its clients look for. */
export const adminErrors = {
  badRequest: (why: string) => new AdminError(400, `SubCode=40000. ${why}`),
  unauthorized: (why: string) => new AdminError(401, `SubCode=40103. ${why}`),
  claimMissing: () => new AdminError(401, "Manage,EntityRead claims required for this operation."),
  notFound: (resource: string) =>
    new AdminError(404, `SubCode=40400. Not Found. The messaging entity '${resource}' could not be found.`),
  notAllowed: (method: string) => new AdminError(405, `The method '${method}' is not allowed here.`),
  exists: (resource: string) =>
    new AdminError(
      409,
      `SubCode=40900. Conflict. You're requesting an operation that isn't allowed in the resource's current state. The messaging entity '${resource}' already exists.`,
    ),
  throttled: (waitSeconds: number) =>
    new AdminError(
      503,
      `SubCode=50009. The request was terminated because the namespace is being throttled. Error code: 50009. Please wait ${String(waitSeconds)} seconds and try again.`,
      waitSeconds,
    ),
} as const;
