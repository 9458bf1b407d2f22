export { virtualClock, type VirtualClock } from "./testing/virtual-clock.ts";
export { seededRandom } from "./testing/seeded-random.ts";
