// npm run test:apps [-- NAME …]: installs, builds, and runs the tests of examples/apps/, or of those that are
// named; each is a small program with the packages that its readers know.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { addUp, chosenOf } from './add-up.mjs'
import { build } from './build.mjs'
import { main, root, run } from './command.mjs'
import { installAlso } from './install.mjs'

const folder = join(root, 'examples/apps')

/** A program that hangs must not hang the run. */
const LIMIT = 5 * 60_000

function programs() {
  const all = readdirSync(folder, { withFileTypes: true })
  return all.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules').map(({ name }) => name)
}

/** What node:test says of one program, whose test is named as it is. */
async function test(name, note) {
  const file = join(folder, name, `${name}.test.mjs`)
  if (!existsSync(file)) return { passed: 0, failed: 1, details: `there is no ${file}` }
  const result = await run(process.execPath, ['--test', '--test-reporter=tap', file], {
    cwd: join(folder, name),
    onLine: note,
    limit: LIMIT,
  })
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(result.stdout)?.[1] ?? 0)
  const [passed, failed] = [count('pass'), count('fail') + count('cancelled')]
  const isBad = result.code !== 0 || passed + failed === 0
  return { passed, failed: isBad ? Math.max(failed, 1) : failed, details: isBad ? result.output : '' }
}

await main(async () => {
  const names = chosenOf(programs(), 'program')
  await installAlso('examples/apps')
  await build()
  await addUp(names, test)
})
