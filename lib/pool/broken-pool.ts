import { BrokenThreadPool } from '../errors/errors.ts'

/**
 * The error of a pool that cannot do something, whose message gives the cause's too: logs often show no more.
 */
export function brokenPool(what: string, options: { cause?: unknown } | undefined): BrokenThreadPool {
  const cause = options?.cause
  return new BrokenThreadPool(
    cause instanceof Error && cause.message !== '' ? `${what}: ${cause.message}` : what,
    options,
  )
}
