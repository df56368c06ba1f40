// npm test [suite …]: installs, builds, runs the suites (default: all of them) and adds them up in the last
// line.
import { addUp, chosenOf } from './add-up.mjs'
import { build } from './build.mjs'
import { main } from './command.mjs'
import { suites, title } from './suites.mjs'

await main(async () => {
  const names = chosenOf(Object.keys(suites), 'suite')
  await build()
  await addUp(names, (name, note) => suites[name](note), { titled: title })
})
