import { DefaultHttpClient, type HttpClient, type ILogger } from "@microsoft/signalr";

type Fetch = (url: unknown, init?: unknown) => Promise<{ ok: boolean; headers: Headers }>;

/** What an HTTP client is asked through, with the headers of what it refused. */
export class HttpSource {
  readonly client: HttpClient;
  readonly #headers = new Map<unknown, Headers>();

  /** @param given - the user's own client; one is made otherwise, and kept, because its cookies pin a client to a server. */
  constructor(given: HttpClient | undefined, logger: ILogger) {
    this.client = given ?? this.#hear(new DefaultHttpClient(logger));
  }

  /** The headers of the latest refusal of that address, once. */
  takeHeaders(url: string | undefined): Headers | undefined {
    const headers = this.#headers.get(url);
    this.#headers.delete(url);
    return headers;
  }

  /**
   * The default client throws away an error's headers, Retry-After among them, and in Node it is the one that keeps the
   * cookies. So its fetch is listened to: the one private access of this package, held to by a test. Without it the
   * waits are ours alone.
   */
  #hear(client: DefaultHttpClient): DefaultHttpClient {
    const inner = (client as unknown as { _httpClient?: { _fetchType?: Fetch } })._httpClient;
    const fetch = inner?._fetchType;
    if (inner === undefined || typeof fetch !== "function") return client;
    inner._fetchType = async (url, init) => {
      const response = await fetch(url, init);
      if (!response.ok) this.#headers.set(url, response.headers);
      return response;
    };
    return client;
  }
}
