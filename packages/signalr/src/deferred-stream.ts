import type { IStreamResult, IStreamSubscriber, ISubscription } from "@microsoft/signalr";

/** The items of a stream that can begin only when there is a connection. */
export function deferredStream<T>(begun: Promise<IStreamResult<T>>): IStreamResult<T> {
  begun.catch(() => undefined); // Whoever subscribes hears of it.
  return {
    subscribe(subscriber: IStreamSubscriber<T>): ISubscription<T> {
      let inner: ISubscription<T> | undefined;
      let isDisposed = false;
      begun.then(
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
    },
  };
}
