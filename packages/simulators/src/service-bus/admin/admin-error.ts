/** What of an error text is not in its words. */
interface AdminErrorDetails {
  /** Seconds of the `Retry-After` header. */
  readonly retryAfterSeconds?: number | undefined;
  /** What the service prints as `SystemTracker`. Default: the address of the request. */
  readonly systemTracker?: string;
}

/** What the service answers to a request for administration that it refuses. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly systemTracker: string | undefined;

  constructor(status: number, detail: string, { retryAfterSeconds, systemTracker }: AdminErrorDetails = {}) {
    super(detail);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.systemTracker = systemTracker;
  }
}

const more = "To know more visit https://aka.ms/sbResourceMgrExceptions.";

/** Of what is below a topic the service speaks in other words, and without its sub codes. */
const ofTopic = { systemTracker: "NoSystemTracker" };

/** The service's answers, in its words, as recorded by its Python client's tests where there are such. */
export const adminErrors = {
  badRequest: (why: string) => new AdminError(400, `SubCode=40000. ${why} ${more} .`),
  outOfRange: (why: string, parameter: string, actual: string) =>
    new AdminError(
      400,
      `SubCode=40000. ${why} ${more} \r\nParameter name: ${parameter}\r\nActual value was ${actual}.`,
    ),
  unauthorized: (why: string) => new AdminError(401, why),
  claimMissing: () => new AdminError(401, "Manage,EntityRead claims required for this operation."),
  /** A queue or topic that is to be changed. */
  operationNotFound: () =>
    new AdminError(404, `SubCode=40400. Not Found. The Operation doesn't exist. ${more} .`),
  /** A queue or topic that is to be deleted. */
  noService: () => new AdminError(404, "No service is hosted at the specified address."),
  /** @param entity - what is below a topic: `topic|subscription|rule` */
  entityNotFound: (namespace: string, entity: string) =>
    new AdminError(404, `Entity '${namespace}:Topic:${entity}' was not found. ${more} `, ofTopic),
  notAllowed: (method: string) => new AdminError(405, `The method '${method}' is not allowed here.`),
  exists: () =>
    new AdminError(
      409,
      `SubCode=40900. Conflict. You're requesting an operation that isn't allowed in the resource's current state. ${more} .`,
    ),
  /** @param entity - what is below a topic: `topic|subscription|rule` */
  entityExists: (namespace: string, entity: string) =>
    new AdminError(
      409,
      `The messaging entity '${namespace}:Topic:${entity}' already exists. ${more} .`,
      ofTopic,
    ),
  throttled: (waitSeconds: number) =>
    new AdminError(
      503,
      `SubCode=50009. The request was terminated because the namespace is being throttled. Error code: 50009. Please wait ${String(waitSeconds)} seconds and try again.`,
      { retryAfterSeconds: waitSeconds },
    ),
} as const;
