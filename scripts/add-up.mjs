// What the commands have in common that run several things by name, and add them up in the last line.
import { Failure } from './command.mjs'
import { step } from './step.mjs'

/** The names that the command was given, each of which has to be one of `all`; without any, all. */
export function chosenOf(all, what) {
  const names = process.argv.slice(2)
  for (const name of names) {
    if (!all.includes(name)) throw new Failure(`there is no ${what} '${name}'; there are ${all.join(', ')}`)
  }
  return names.length > 0 ? names : all
}

/**
 * Runs each of them, with a line of its own on standard error, and prints what has failed, and the sum; a
 * failure makes the process end with 1.
 *
 * @param run - `(name, note)` gives `{ passed, failed, details }`
 * @param titled - what stands for a name
 * @param closing - makes its line from the title and the result
 */
export async function addUp(names, run, { titled = (name) => name, closing = counted } = {}) {
  const sum = { passed: 0, failed: 0 }
  const failures = []
  for (const name of names) {
    const title = titled(name)
    const result = await step(
      title,
      (note) => run(name, note),
      (result) => closing(title, result),
    )
    sum.passed += result.passed
    sum.failed += result.failed
    if (result.failed > 0) failures.push(`\n== ${title} ==\n${result.details}`)
  }
  for (const text of failures) console.log(text)
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`)
  if (sum.failed > 0) process.exitCode = 1
}

function counted(title, { passed, failed }) {
  return `${title}: ${passed} passed${failed > 0 ? `, ${failed} FAILED` : ''}`
}
