// npm run demo [-- FOLDER]: installs, builds and runs examples/demo.mjs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { main, root } from './command.mjs'
import { build } from './build.mjs'

await main(async () => {
  await build()
  // The user's folder is relative to where npm was called, not to where it went.
  const cwd = process.env.INIT_CWD ?? process.cwd()
  const demo = spawn(process.execPath, [join(root, 'examples/demo.mjs'), ...process.argv.slice(2)], { cwd, stdio: 'inherit' })
  const [code] = await once(demo, 'exit')
  process.exitCode = code ?? 1
})
