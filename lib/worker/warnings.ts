/**
 * `importModuleDynamically` of node:vm is marked experimental, and Node says so when a function sent as
 * source first imports something. The user has no part in that: exactly this warning is kept back, in pool
 * workers only.
 */
const OURS = 'vm.USE_MAIN_CONTEXT_DEFAULT_LOADER'

/** Keeps the warning back from now on. */
export function silenceLoaderWarning(): void {
  const emit = process.emitWarning
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]): void => {
    if (typeof warning === 'string' && warning.startsWith(OURS)) {
      return
    }
    ;(emit as (...args: unknown[]) => void).call(process, warning, ...rest)
  }) as typeof process.emitWarning
}
