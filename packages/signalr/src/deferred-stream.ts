import type { IStreamResult, IStreamSubscriber, ISubscription } from "@microsoft/signalr";

/** The items of a stream that can begin only when there is a connection. */
export class DeferredStream<T> implements IStreamResult<T> {
  readonly #stream: Promise<IStreamResult<T>>;

  constructor(stream: Promise<IStreamResult<T>>) {
    this.#stream = stream;
    stream.catch(() => undefined); // Whoever subscribes hears of it.
  }

  subscribe(subscriber: IStreamSubscriber<T>): ISubscription<T> {
    let inner: ISubscription<T> | undefined;
    let isDisposed = false;
    this.#stream.then(
      (stream) => {
        inner = stream.subscribe(subscriber);
        if (isDisposed) inner.dispose();
      },
      (error: unknown) => {
        if (!isDisposed) subscriber.error(error);
      },
    );
    return {
      dispose: () => {
        isDisposed = true;
        inner?.dispose();
      },
    };
  }
}
