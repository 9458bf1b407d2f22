import {
  acceptThenClose,
  blackHole,
  delayAcknowledgement,
  dropConnection,
  duplicate,
  forgetSession,
  ignore,
  loseAcknowledgement,
  refuse,
  refuseConnection,
  resetConnection,
  throttled,
  type IotHubSimulator,
} from "@holdfast/simulators/iot-hub";

/** What a fault of the schedule may use: the hub, the device, a moment to wait, and chance. */
export interface DeviceFaultScene {
  readonly hub: IotHubSimulator;
  readonly deviceId: string;
  readonly wait: (ms: number) => Promise<void>;
  /** Uniform in [0, 1), drawn from the schedule's seed. */
  readonly random: () => number;
  /** Connects with the device's identity, and leaves after so long. */
  readonly takeOver: (forMs: number) => Promise<void>;
  /** Half-opens every live connection, and remembers which. */
  readonly freeze: () => void;
}

type DeviceFaultKind = (scene: DeviceFaultScene) => Promise<void> | void;

const between = ({ random }: DeviceFaultScene, low: number, high: number): number =>
  Math.round(low + random() * (high - low));
const either = ({ random }: DeviceFaultScene): boolean => random() < 0.5;
const how = (scene: DeviceFaultScene): "reset" | "fin" => (either(scene) ? "reset" : "fin");

/** Everything that the schedules do to the hub, by name. Each undoes itself, or is spent when it has happened. */
export const deviceFaultKinds = {
  "the hub is down for a while": (scene) => scene.hub.restart({ downMs: between(scene, 100, 1_500) }),
  "new connections are refused for a while": async (scene) => {
    await scene.hub.refuseConnections();
    scene.hub.dropConnections({ how: how(scene) });
    await scene.wait(between(scene, 100, 1_000));
    await scene.hub.start();
  },
  "the connection is reset": ({ hub }) => hub.dropConnections({ how: "reset" }),
  "the connection ends without a word": ({ hub }) => hub.dropConnections({ how: "fin" }),
  "the connection falls silent": ({ freeze }) => freeze(),
  "another connection takes the place": (scene) => scene.takeOver(between(scene, 50, 500)),
  "the token runs out": ({ hub, deviceId }) => hub.device(deviceId).expireToken(),
  "the next connections are reset": (scene) => {
    scene.hub.dropConnections();
    scene.hub.faults.next("connect", resetConnection(), { times: between(scene, 1, 3) });
  },
  "the next connections are closed at once": (scene) => {
    scene.hub.dropConnections();
    scene.hub.faults.next("connect", acceptThenClose(), { times: between(scene, 1, 3) });
  },
  "the next connection is never answered": ({ hub }) => {
    hub.dropConnections();
    hub.faults.next("connect", blackHole());
  },
  "the next CONNACK says that the hub is busy": (scene) => {
    scene.hub.dropConnections();
    scene.hub.faults.next("connack", refuseConnection(3), { times: between(scene, 1, 2) });
  },
  "the next CONNACK refuses the token": ({ hub }) => {
    hub.dropConnections();
    hub.faults.next("connack", refuseConnection(5));
  },
  "the next CONNACK never comes": ({ hub }) => {
    hub.dropConnections();
    hub.faults.next("connack", ignore());
  },
  "the next CONNACK is late": (scene) => {
    scene.hub.dropConnections();
    scene.hub.faults.next("connack", delayAcknowledgement(between(scene, 50, 1_000)));
  },
  "the hub has forgotten the session": ({ hub }) => {
    hub.dropConnections();
    hub.faults.next("connack", forgetSession());
  },
  "the next subscription is never answered": ({ hub }) => {
    hub.forgetSessions();
    hub.dropConnections();
    hub.faults.next("subscribe", ignore());
  },
  "the next link is never answered": ({ hub }) => {
    hub.dropConnections();
    hub.faults.next("attach", ignore());
  },
  "an acknowledgement never comes": (scene) =>
    void scene.hub.faults.next("send", loseAcknowledgement({ stored: either(scene) })),
  "acknowledgements are late": (scene) =>
    void scene.hub.faults.next("send", delayAcknowledgement(between(scene, 50, 1_000)), { times: 3 }),
  "the connection drops in mid-publish": (scene) =>
    void scene.hub.faults.next("send", dropConnection({ stored: either(scene), how: how(scene) })),
  "a message is throttled": ({ hub }) => void hub.faults.next("send", throttled()),
  "the hub has an error with a message": ({ hub }) => void hub.faults.next("send", refuse("serverError")),
  "a message from the cloud comes twice": ({ hub }) => void hub.faults.next("deliver", duplicate()),
  "the connection drops in mid-delivery": (scene) =>
    void scene.hub.faults.next("deliver", dropConnection({ stored: either(scene), how: how(scene) })),
  "the connection drops in a method call": (scene) =>
    void scene.hub.faults.next("method", dropConnection({ stored: either(scene), how: how(scene) })),
} satisfies Readonly<Record<string, DeviceFaultKind>>;

export type DeviceFaultName = keyof typeof deviceFaultKinds;

export const deviceFaultNames = Object.keys(deviceFaultKinds) as DeviceFaultName[];
