/** A promise and the functions that settle it, without a closure for each. */

// Not generic: a Future<string> must pass for a Future<string | number>.
export interface Deferred {
  readonly promise: Promise<any>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

// `new Promise(capture)` puts the functions here.
let capturedResolve: (value: any) => void
let capturedReject: (error: unknown) => void
function capture(resolve: (value: any) => void, reject: (error: unknown) => void): void {
  capturedResolve = resolve
  capturedReject = reject
}

/** A new pending promise. */
export function defer(): Deferred {
  const promise = new Promise<any>(capture)
  return { promise, resolve: capturedResolve, reject: capturedReject }
}
