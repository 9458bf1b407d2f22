import { JsonHubProtocol, MessageType, type IHubProtocol } from "@microsoft/signalr";

/** Hears of a server's Close message and whether it allows a reconnection. */
export type OnServerClose = (allowsReconnect: boolean) => void;

/** The hub protocol unchanged, but for saying when the server closes: the official client tells nobody what it allowed. */
export function hearingClose(
  protocol: IHubProtocol = new JsonHubProtocol(),
  onServerClose: OnServerClose,
): IHubProtocol {
  const { name, version, transferFormat } = protocol;
  return {
    ...{ name, version, transferFormat },
    parseMessages: (input, logger) => {
      const messages = protocol.parseMessages(input, logger);
      for (const message of messages) {
        if (message.type === MessageType.Close) onServerClose(message.allowReconnect === true);
      }
      return messages;
    },
    writeMessage: (message) => protocol.writeMessage(message),
  };
}
