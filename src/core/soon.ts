/** A value, or the promise of one: what is at hand mostly is no promise, and nobody waits for it. */
export type Soon<T> = T | Promise<T>

/** Goes on without a promise where nothing has to be waited for. What `next` throws then, it throws at once. */
export const andThen = <T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> =>
  value instanceof Promise ? value.then(next) : next(value)
