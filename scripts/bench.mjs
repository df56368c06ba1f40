// npm run bench [-- suite … --options]: builds, then runs benchmark/run.mjs for each suite; default:
// throughput and roundtrip.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { main, root } from './command.mjs'
import { build } from './build.mjs'

const DEFAULT = ['throughput', 'roundtrip']
const WITH_VALUE = ['--rounds', '--only', '--json']

await main(async () => {
  await build()
  const args = process.argv.slice(2)
  const isName = (arg, index) => !arg.startsWith('-') && !WITH_VALUE.includes(args[index - 1])
  const names = args.filter(isName)
  const options = args.filter((arg, index) => !isName(arg, index))
  for (const name of names.length > 0 ? names : DEFAULT) {
    const bench = spawn(process.execPath, [join(root, 'benchmark/run.mjs'), name, ...options], { cwd: root, stdio: 'inherit' })
    const [code] = await once(bench, 'exit')
    if (code !== 0) process.exitCode = code ?? 1
  }
})
