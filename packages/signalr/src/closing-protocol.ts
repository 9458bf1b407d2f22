import {
  JsonHubProtocol,
  MessageType,
  type HubMessage,
  type IHubProtocol,
  type ILogger,
  type TransferFormat,
} from "@microsoft/signalr";

/** Hears of a server's Close message and whether it allows a reconnection. */
export type OnServerClose = (allowsReconnect: boolean) => void;

/** The hub protocol unchanged, but for saying when the server closes: the official client tells nobody what it allowed. */
export class ClosingProtocol implements IHubProtocol {
  readonly #protocol: IHubProtocol;
  readonly #onServerClose: OnServerClose;
  readonly name: string;
  readonly version: number;
  readonly transferFormat: TransferFormat;

  constructor(protocol: IHubProtocol = new JsonHubProtocol(), onServerClose: OnServerClose) {
    this.#protocol = protocol;
    this.#onServerClose = onServerClose;
    ({ name: this.name, version: this.version, transferFormat: this.transferFormat } = protocol);
  }

  parseMessages(input: string | ArrayBuffer, logger: ILogger): HubMessage[] {
    const messages = this.#protocol.parseMessages(input, logger);
    for (const message of messages) {
      if (message.type === MessageType.Close) this.#onServerClose(message.allowReconnect === true);
    }
    return messages;
  }

  writeMessage(message: HubMessage): string | ArrayBuffer {
    return this.#protocol.writeMessage(message);
  }
}
