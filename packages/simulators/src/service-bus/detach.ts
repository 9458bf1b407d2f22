import type { Link } from "./amqp-engine.ts";
import type { BrokerConnection } from "./connection.ts";

/** The client has detached a link. AMQP 2.6.5, 2.6.6. */
export function clientDetached(connection: BrokerConnection, engine: Link): void {
  const link = connection.linkOf(engine);
  // Also the client's answer to a detach of ours, which needs nothing more.
  if (link === undefined) return;
  link.end("client", engine.error?.condition);
  const answer = (): void => {
    if (engine.remote.detach?.closed === true) engine.close();
    // A detach that does not close is answered in kind.
    else engine.detach();
    process.nextTick(() => {
      engine.remove();
    });
  };
  const fault = connection.broker.fault("detach", link.entity);
  if (fault === undefined) {
    answer();
    return;
  }
  // rhea sets a marker after this event and answers a tick later if it is still there.
  process.nextTick(() => {
    engine.state.mark({});
  });
  if (fault.kind === "delay") connection.after(fault.ms, answer);
  else if (fault.kind !== "lose-acknowledgement") connection.suffer(fault);
}
