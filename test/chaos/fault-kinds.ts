import {
  acceptThenClose,
  blackHole,
  delayAcknowledgement,
  dropConnection,
  forceConnectionClose,
  forceDetach,
  ignore,
  loseAcknowledgement,
  resetConnection,
  serverBusy,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";

/** What a fault of the schedule may use: the service, the entity, a moment to wait, and chance. */
export interface FaultScene {
  readonly bus: ServiceBusSimulator;
  readonly entity: string;
  readonly wait: (ms: number) => Promise<void>;
  /** Uniform in [0, 1), drawn from the schedule's seed. */
  readonly random: () => number;
}

type FaultKind = (scene: FaultScene) => Promise<void> | void;

const between = ({ random }: FaultScene, low: number, high: number): number =>
  Math.round(low + random() * (high - low));
const either = ({ random }: FaultScene): boolean => random() < 0.5;

/** Everything that the schedules do to the service, by name. Each undoes itself, or is spent when it has happened. */
export const faultKinds = {
  "the service is down for a while": (scene) => scene.bus.restart({ downMs: between(scene, 100, 1_500) }),
  "new connections are refused for a while": async (scene) => {
    await scene.bus.refuseConnections();
    await scene.wait(between(scene, 100, 1_000));
    await scene.bus.start();
  },
  "connections are reset": ({ bus }) => bus.dropConnections({ how: "reset" }),
  "connections end without a word": ({ bus }) => bus.dropConnections({ how: "fin" }),
  "connections are closed by the service": ({ bus }) => bus.closeConnections(),
  "connections fall silent": ({ bus }) => bus.freeze(),
  "links are detached": ({ bus, entity }) => bus.detachLinks(entity),
  "the next connections are reset": (scene) => {
    scene.bus.dropConnections();
    scene.bus.faults.next("connect", resetConnection(), { times: between(scene, 1, 3) });
  },
  "the next connections are closed at once": (scene) => {
    scene.bus.dropConnections();
    scene.bus.faults.next("connect", acceptThenClose(), { times: between(scene, 1, 3) });
  },
  "the next connection is never answered": ({ bus }) => {
    bus.dropConnections();
    bus.faults.next("connect", blackHole());
  },
  "the next token is never answered": ({ bus }) => {
    bus.dropConnections();
    bus.faults.next("cbs", ignore());
  },
  "the next link is never answered": ({ bus }) => {
    bus.dropConnections();
    bus.faults.next("attach", ignore());
  },
  "the next link is detached at once": (scene) => {
    scene.bus.dropConnections();
    scene.bus.faults.next("attach", forceDetach({ afterMs: between(scene, 0, 50) }));
  },
  "sends are throttled": ({ bus }) =>
    void bus.faults.next("send", serverBusy({ waitSeconds: 1 }), { times: 2 }),
  "an acknowledgement is lost": (scene) =>
    void scene.bus.faults.next("send", loseAcknowledgement({ stored: either(scene) })),
  "acknowledgements are late": (scene) =>
    void scene.bus.faults.next("send", delayAcknowledgement(between(scene, 50, 1_000)), { times: 3 }),
  "the connection drops in mid-send": (scene) =>
    void scene.bus.faults.next("send", dropConnection({ stored: either(scene) })),
  "the connection is closed in mid-send": (scene) =>
    void scene.bus.faults.next("send", forceConnectionClose({ stored: either(scene) })),
  "the link is detached in mid-send": (scene) =>
    void scene.bus.faults.next("send", forceDetach({ stored: either(scene) })),
  "the connection drops in mid-delivery": (scene) =>
    void scene.bus.faults.next("deliver", dropConnection({ stored: either(scene) })),
  "the link is detached in mid-delivery": (scene) =>
    void scene.bus.faults.next("deliver", forceDetach({ stored: either(scene) })),
  "a settlement is never answered": (scene) =>
    void scene.bus.faults.next("settle", loseAcknowledgement({ stored: either(scene) })),
  "settlements are throttled": ({ bus }) =>
    void bus.faults.next("settle", serverBusy({ waitSeconds: 1 }), { times: 2 }),
  "the connection drops in mid-settlement": (scene) =>
    void scene.bus.faults.next("settle", dropConnection({ stored: either(scene) })),
  "the link is detached in mid-settlement": (scene) =>
    void scene.bus.faults.next("settle", forceDetach({ stored: either(scene) })),
  "locks run out early": ({ bus, entity }) => void bus.queue(entity).expireLocks(),
  "management requests are throttled": ({ bus }) =>
    void bus.faults.next("management", serverBusy({ waitSeconds: 1 }), { times: 2 }),
  "a management request is never answered": ({ bus }) => void bus.faults.next("management", ignore()),
} satisfies Readonly<Record<string, FaultKind>>;

export type FaultName = keyof typeof faultKinds;

export const faultNames = Object.keys(faultKinds) as FaultName[];
