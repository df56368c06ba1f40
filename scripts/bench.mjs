// npm run bench [-- suite or group … --options]: builds, then runs benchmark/run.mjs, which has the options.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { main, root } from './command.mjs'
import { build } from './build.mjs'

await main(async () => {
  await build()
  const args = [join(root, 'benchmark/run.mjs'), ...process.argv.slice(2)]
  const bench = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  const [code] = await once(bench, 'exit')
  if (code !== 0) process.exitCode = code ?? 1
})
