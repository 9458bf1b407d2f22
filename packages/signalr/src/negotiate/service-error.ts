/** What the service answered in place of a success. There is no official client whose error this could be. */
export class SignalRServiceError extends Error {
  override readonly name = "SignalRServiceError";
  readonly statusCode: number;
  /** The answer's headers: `Retry-After` among them. */
  readonly headers: Headers;

  constructor(message: string, statusCode: number, headers: Headers) {
    super(message);
    this.statusCode = statusCode;
    this.headers = headers;
  }
}
