// node scripts/install/run.mjs [name …]: installs the package as its users do, from a registry on this
// machine, with the tools they have, and runs programs with it. Without names all cases run, which takes
// many minutes; --quick runs the telling few. The last line adds them up.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, main } from '../command.mjs'
import { CASES, QUICK } from './cases.mjs'
import { userEnv } from './project.mjs'
import { startFilledRegistry } from './registry.mjs'

function chosen(args) {
  const names = args.filter((name) => !name.startsWith('--'))
  for (const name of names) {
    if (!Object.hasOwn(CASES, name)) throw new Failure(`there is no case '${name}'; there are ${Object.keys(CASES).join(', ')}`)
  }
  if (names.length > 0) return names
  return args.includes('--quick') ? QUICK : Object.keys(CASES)
}

/** Whether it passed, or undefined if it cannot run here. */
async function runCase(name, { title, run, unless }, context) {
  const reason = await unless?.(context)
  if (reason !== undefined) {
    console.log(`- ${name}: not run, ${reason}`)
    return undefined
  }
  const start = performance.now()
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`
  try {
    await run(context)
    console.log(`✓ ${name}: ${title} (${seconds()})`)
    return true
  } catch (error) {
    console.log(`✗ ${name}: ${title} (${seconds()})\n${error instanceof Failure ? error.message : error.stack}`)
    return false
  }
}

await main(async () => {
  const args = process.argv.slice(2)
  const names = chosen(args)
  const scratch = mkdtempSync(join(tmpdir(), 'concurrent-futures-install-'))
  const isKept = args.includes('--keep')
  const remove = () => isKept || rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  // Also when it is interrupted.
  process.on('exit', remove)
  const results = []
  let registry
  try {
    registry = await startFilledRegistry(scratch)
    const context = { scratch, env: userEnv(scratch, registry.url), registry: registry.url }
    console.log(`Node.js ${process.versions.node}, ${process.platform}-${process.arch}`)
    for (const name of names) results.push(await runCase(name, CASES[name], context))
  } finally {
    registry?.stop()
    remove()
    if (isKept) console.log(`kept: ${scratch}`)
  }
  const count = (result) => results.filter((each) => each === result).length
  console.log(`\n${count(true)} passed, ${count(false)} failed`)
  if (count(false) > 0) process.exitCode = 1
})
