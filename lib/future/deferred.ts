/** A promise and the functions that settle it, without a closure for each. */

// Not generic: a Future<string> must pass for a Future<string | number>.
export interface Deferred {
  readonly promise: Promise<any>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

function nothing(): void {}

// `new Promise(capture)` puts the functions here. They do not stay: through the promise they hold its result.
let capturedResolve: (value: any) => void = nothing
let capturedReject: (error: unknown) => void = nothing
function capture(resolve: (value: any) => void, reject: (error: unknown) => void): void {
  capturedResolve = resolve
  capturedReject = reject
}

/** A new pending promise. */
export function defer(): Deferred {
  const promise = new Promise<any>(capture)
  const deferred = { promise, resolve: capturedResolve, reject: capturedReject }
  capturedResolve = nothing
  capturedReject = nothing
  return deferred
}
