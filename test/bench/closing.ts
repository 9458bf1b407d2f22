/** A client that is closed when it goes out of scope; the official one does not do so by itself. */
export function closing<C extends { close(): Promise<void> }>(
  client: C,
): AsyncDisposable & { readonly client: C } {
  return { client, [Symbol.asyncDispose]: () => client.close() };
}
