import { readFile } from "node:fs/promises";
import { Readable, type Stream } from "node:stream";
import { systemClock } from "@holdfast/core";
import {
  Client as OfficialClient,
  type DeviceMethodRequest,
  type DeviceMethodResponse,
} from "azure-iot-device";
import type { UploadTarget } from "./blob.ts";
import { CloudMessages, type MessageHandler, type MessageHandlingOptions } from "./cloud-messages.ts";
import type { ClientOptions } from "./client-options.ts";
import { fromConnectionString, fromProvider, fromSharedAccessSignature } from "./credentials.ts";
import { guardedHandler } from "./guarded-handler.ts";
import { adoptRetryPolicy, callHeld, held, holdingOf } from "./held-client.ts";
import { holdingFor, type Holding } from "./holding.ts";
import {
  answer,
  officially,
  type AuthenticationProvider,
  type Callback,
  type Connected,
  type DeviceClientOptions,
  type Disconnected,
  type Message,
  type MessageEnqueued,
  type TransportConfigured,
} from "./official.ts";
import type { Outbox } from "./outbox.ts";
import type { RetryPolicy } from "./retry-policy.ts";
import { Uploads, type FileCalls } from "./uploads.ts";

/**
 * The official `Client` over a connection that comes back: after a reset, a closed socket, an outage, a refused first
 * connection, for as long as it takes, with everything that was subscribed. Every operation has an end, and `close()` is
 * one. It goes wherever the official type is asked for.
 */
export class Client extends OfficialClient {
  /**
   * As the official factory.
   *
   * @param options - how the client holds.
   * @throws HoldfastError `misconfigured` for a bad `resilience`; otherwise what the official factory throws.
   */
  static override fromConnectionString(
    connStr: string,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): Client {
    return make(
      holdingFor(options, transportCtor, () => fromConnectionString(connStr)),
      (Transport) => OfficialClient.fromConnectionString(connStr, Transport),
      transportCtor,
    );
  }

  /** As the official factory; see {@link Client.fromConnectionString} for `options`. */
  static override fromSharedAccessSignature(
    sharedAccessSignature: string,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): Client {
    return make(
      holdingFor(options, transportCtor, () => fromSharedAccessSignature(sharedAccessSignature)),
      (Transport) => OfficialClient.fromSharedAccessSignature(sharedAccessSignature, Transport),
      transportCtor,
    );
  }

  /**
   * As the official factory; the provider serves one connection after the other. See {@link Client.fromConnectionString}
   * for `options`.
   */
  static override fromAuthenticationProvider(
    authenticationProvider: AuthenticationProvider,
    transportCtor: unknown,
    options: ClientOptions = {},
  ): Client {
    return make(
      holdingFor(options, transportCtor, () => fromProvider(authenticationProvider)),
      (Transport) => OfficialClient.fromAuthenticationProvider(authenticationProvider, Transport),
      transportCtor,
    );
  }

  /** The outbox, when `resilience.outbox` is given. */
  get outbox(): Outbox | undefined {
    return holdingOf(this)?.outbox;
  }

  override open(openCallback: Callback<Connected>): void;
  override open(): Promise<Connected>;
  /** Connects, however long it takes; rejects when the hub refuses this device. Calls that come meanwhile share it. */
  override open(callback?: Callback<Connected>): Promise<Connected> {
    return callHeld(this, OfficialClient, "open", [], callback, (holding) => holding.open());
  }

  override sendEvent(message: Message, sendEventCallback: Callback<MessageEnqueued>): void;
  override sendEvent(message: Message): Promise<MessageEnqueued>;
  /** Sends; done once the hub has acknowledged. A resend carries the same messageId. */
  override sendEvent(message: Message, callback?: Callback<MessageEnqueued>): Promise<MessageEnqueued> {
    return callHeld(this, OfficialClient, "sendEvent", [message], callback, (holding) =>
      holding.send(message),
    );
  }

  override close(closeCallback: Callback<Disconnected>): void;
  override close(): Promise<Disconnected>;
  /** Ends the connection within two seconds, whatever the hub does; only `open()` makes a new one. */
  override close(callback?: Callback<Disconnected>): Promise<Disconnected> {
    // Past the official method, which takes the "disconnect" handlers away for good.
    return callHeld(this, OfficialClient, "close", [], callback, (holding) => holding.close());
  }

  override setOptions(options: DeviceClientOptions, done: Callback<TransportConfigured>): void;
  override setOptions(options: DeviceClientOptions): Promise<TransportConfigured>;
  /** As the official method; where `ca` is a file, uploads trust it too. */
  override setOptions(
    options: DeviceClientOptions,
    done?: Callback<TransportConfigured>,
  ): Promise<TransportConfigured> {
    const configure = (given: DeviceClientOptions, callback?: typeof done): Promise<TransportConfigured> =>
      officially(OfficialClient, "setOptions", this, [given, callback]);
    const { ca } = (options as DeviceClientOptions | undefined) ?? {};
    if (holdingOf(this) === undefined || typeof ca !== "string") return configure(options, done);
    return answer(
      withAuthority(options).then((read) => configure(read)),
      done,
    );
  }

  /** Maps the official policy to ours; see `optionsFrom` for the table. The connection comes back whatever it says. */
  override setRetryPolicy(policy: RetryPolicy): void {
    adoptRetryPolicy(this, policy, (one) => {
      super.setRetryPolicy(one);
    });
  }

  /** As the official method; a handler that throws or rejects is answered with 500. */
  override onDeviceMethod(
    methodName: string,
    callback: (request: DeviceMethodRequest, response: DeviceMethodResponse) => void,
  ): void {
    const transport = holdingOf(this)?.transport;
    if (transport === undefined || typeof callback !== "function") {
      super.onDeviceMethod(methodName, callback);
      return;
    }
    const failed = (error: unknown): void => {
      transport.tellFailed("method", error);
    };
    super.onDeviceMethod(methodName, guardedHandler(callback, failed));
  }

  override uploadToBlob(
    blobName: string,
    stream: Stream,
    streamLength: number,
    callback: (error?: Error) => void,
  ): void;
  override uploadToBlob(blobName: string, stream: Stream, streamLength: number): Promise<void>;
  /** Uploads a file in blocks that are repeated one by one, and always tells the hub of the end. */
  override uploadToBlob(
    blobName: string,
    stream: Stream,
    streamLength: number,
    callback?: Callback<void>,
  ): Promise<void> {
    const holding = holdingOf(this);
    if (holding === undefined || !blobName || !(stream instanceof Readable)) {
      return officially(OfficialClient, "uploadToBlob", this, [blobName, stream, streamLength, callback]);
    }
    return answer(uploadsOf(holding, this).upload(blobName, stream), callback);
  }

  override getBlobSharedAccessSignature(blobName: string, callback: Callback<UploadTarget>): void;
  override getBlobSharedAccessSignature(blobName: string): Promise<UploadTarget>;
  /** Opens an upload; `notifyBlobUploadStatus` must follow, and if this process dies first, its next start sees to it. */
  override getBlobSharedAccessSignature(
    blobName: string,
    callback?: Callback<UploadTarget>,
  ): Promise<UploadTarget> {
    const holding = holdingOf(this);
    if (holding === undefined || !blobName) {
      return officially(OfficialClient, "getBlobSharedAccessSignature", this, [blobName, callback]);
    }
    return answer(uploadsOf(holding, this).begin(blobName), callback);
  }

  override notifyBlobUploadStatus(
    correlationId: string,
    isSuccess: boolean,
    statusCode: number,
    statusDescription: string,
    callback: (error?: Error) => void,
  ): void;
  override notifyBlobUploadStatus(
    correlationId: string,
    isSuccess: boolean,
    statusCode: number,
    statusDescription: string,
  ): Promise<void>;
  /** Tells the hub that an upload has ended, however often that takes. */
  override notifyBlobUploadStatus(
    correlationId: string,
    isSuccess: boolean,
    statusCode: number,
    statusDescription: string,
    callback?: Callback<void>,
  ): Promise<void> {
    const holding = holdingOf(this);
    const given = [correlationId, isSuccess, statusCode, statusDescription] as const;
    if (holding === undefined || !correlationId) {
      return officially(OfficialClient, "notifyBlobUploadStatus", this, [...given, callback]);
    }
    return answer(uploadsOf(holding, this).notify(...given), callback);
  }

  /**
   * Handles messages from the cloud a few at a time and settles each; ours, beside the official `on("message")`. See
   * {@link CloudMessages} for what each protocol can promise.
   *
   * @returns a function that ends it.
   * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
   */
  handleMessages(handler: MessageHandler, options: MessageHandlingOptions = {}): () => void {
    const holding = holdingOf(this);
    const failed = (error: unknown): void => holding?.transport.tellFailed("message", error);
    const settling = {
      complete: (message: Message) => this.complete(message),
      abandon: (message: Message) => this.abandon(message),
      reject: (message: Message) => this.reject(message),
      failed,
    };
    const messages = new CloudMessages(handler, options, settling, holding?.resilience.clock ?? systemClock);
    const take = (message: Message): void => {
      messages.take(message);
    };
    this.on("message", take);
    return () => this.off("message", take);
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const official = (...all: [string | symbol, ...unknown[]]): boolean => super.emit(...all);
    return holdingOf(this)?.emit(this, official, event, args) ?? super.emit(event, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The official client reads the file for its transports, and gives the path to what it uploads by. */
async function withAuthority(options: DeviceClientOptions): Promise<DeviceClientOptions> {
  // It is the certificate itself when there is no such file.
  const read = await readFile(options.ca as string, "utf8").catch(() => undefined);
  return read === undefined ? options : { ...options, ca: read };
}

const uploads = new WeakMap<Holding, Uploads>();

function uploadsOf(holding: Holding, client: Client): Uploads {
  let found = uploads.get(holding);
  if (found === undefined) {
    const { resilience, transport } = holding;
    found = new Uploads(officialCalls(client), resilience, () => transport.link.name);
    uploads.set(holding, found);
  }
  return found;
}

function officialCalls(client: Client): FileCalls {
  return {
    begin: (blobName) => officially(OfficialClient, "getBlobSharedAccessSignature", client, [blobName]),
    notify: (...given) => officially(OfficialClient, "notifyBlobUploadStatus", client, given),
  };
}

function make(
  holding: Holding | undefined,
  official: (Transport: unknown) => OfficialClient,
  transportCtor: unknown,
): Client {
  const client = held(official(holding?.Transport ?? transportCtor), Client, OfficialClient, holding);
  if (holding === undefined) return client;
  const files = uploadsOf(holding, client);
  // Whenever the hub can be reached again: what it has not been told yet.
  holding.transport.on("connected", () => void files.replay());
  return client;
}
