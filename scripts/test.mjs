// npm test [suite …]: installs, builds, runs the suites (default: all of them) and adds them up in the last
// line.
import { Failure, main } from './command.mjs'
import { build } from './build.mjs'
import { step } from './step.mjs'
import { suites, title } from './suites.mjs'

function chosen() {
  const names = process.argv.slice(2)
  for (const name of names) {
    if (!Object.hasOwn(suites, name)) throw new Failure(`there is no suite '${name}'; there are ${Object.keys(suites).join(', ')}`)
  }
  return names.length > 0 ? names : Object.keys(suites)
}

await main(async () => {
  const names = chosen()
  await build()
  const sum = { passed: 0, failed: 0 }
  const failures = []
  for (const name of names) {
    const closing = ({ passed, failed }) => `${title(name)}: ${passed} passed${failed > 0 ? `, ${failed} FAILED` : ''}`
    const result = await step(title(name), suites[name], closing)
    sum.passed += result.passed
    sum.failed += result.failed
    if (result.failed > 0) failures.push(`\n== ${title(name)} ==\n${result.details}`)
  }
  for (const text of failures) console.log(text)
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`)
  if (sum.failed > 0) process.exitCode = 1
})
