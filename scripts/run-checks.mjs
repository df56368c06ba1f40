// Running checks that have titles, one after the other, whatever fails.
import { Failure } from './command.mjs'

/** Of one check: throws what is said, unless it holds. */
export function expect(isTrue, message) {
  if (!isTrue) throw new Failure(message)
}

/**
 * Prints a line for each, and in the end one that adds them up; a failure makes the process end with 1.
 *
 * @param {Record<string, () => unknown>} checks - by title; one that does not hold throws
 */
export async function runChecks(checks) {
  let passed = 0
  let failed = 0
  for (const [title, check] of Object.entries(checks)) {
    try {
      await check()
      passed++
      console.log(`✓ ${title}`)
    } catch (error) {
      failed++
      console.log(`✗ ${title}\n${error instanceof Failure ? error.message : error.stack}`)
    }
  }
  console.log(`\n${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}
