import { expect, vi } from "vitest";

/**
 * Waits until an operation is refused with that code. What is sent on a link before its detach has been read gets no
 * answer, and the official client gives up by time; then it is tried again.
 */
export async function refuses(operation: () => Promise<unknown>, code: string): Promise<void> {
  await vi.waitFor(() => expect(operation()).rejects.toMatchObject({ code }), { timeout: 60_000 });
}
