/** Starts a simulator. One that cannot start, because a port is taken for example, leaves nothing open. */
export async function started<Simulator extends { start(): Promise<void>; close(): Promise<void> }>(
  simulator: Simulator,
): Promise<Simulator> {
  try {
    await simulator.start();
  } catch (error) {
    await simulator.close();
    throw error;
  }
  return simulator;
}
