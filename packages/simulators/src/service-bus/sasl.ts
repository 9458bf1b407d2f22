import type { SaslExchange } from "./amqp-engine.ts";
import type { BrokerConnection } from "./connection.ts";

// AMQP 5.3.3.5: the code is written first, then the connection ends; a turn of the event loop lets it out.
function refuse(connection: BrokerConnection): void {
  setImmediate(() => {
    connection.wire.end();
  });
}

/**
 * The mechanisms of the service, in its order. MSSBCBS and ANONYMOUS admit everyone, who must then put a token;
 * PLAIN takes the name of a shared access key and the key, and needs no token. EXTERNAL is not offered.
 */
export function saslMechanisms(connection: BrokerConnection): Record<string, () => SaslExchange> {
  const anonymous = (mechanism: string) => (): SaslExchange => ({
    outcome: undefined,
    username: undefined,
    start() {
      connection.entry.saslMechanism = mechanism;
      this.outcome = true;
    },
  });
  return {
    MSSBCBS: anonymous("MSSBCBS"),
    PLAIN: () => ({
      outcome: undefined,
      username: undefined,
      start(response) {
        connection.entry.saslMechanism = "PLAIN";
        // RFC 4616: [authorization identity] NUL authentication identity NUL password.
        const [, user, password] = (response ?? Buffer.alloc(0)).toString("utf8").split("\0");
        const key = connection.broker.settings.keys.find(
          (candidate) => candidate.name === user && candidate.key === password,
        );
        this.outcome = key !== undefined;
        this.username = key?.name;
        if (key === undefined) refuse(connection);
        else connection.claims.login(key.claims);
      },
    }),
    ANONYMOUS: anonymous("ANONYMOUS"),
  };
}
