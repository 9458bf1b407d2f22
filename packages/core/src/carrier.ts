/**
 * Stands for any thrown value on its way through p-retry, which would replace a non-Error and never repeat a TypeError.
 * One for all: it says nothing, and a stack for each would cost more than the rest of a failed attempt.
 */
export const carrier = new Error("An attempt failed.");
