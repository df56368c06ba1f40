// node scripts/rehearse.mjs: a release of the tarballs in artifacts/ to a registry on this machine, as
// scripts/publish.mjs does it, with one that breaks off before; then the package is installed from there as
// a user does it, for this platform and for all others. The last line adds the checks up.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main, must, npmScript, root, run } from './command.mjs'
import { manifestOf, platforms, tarballOf } from './platforms.mjs'
import { readmeExample, readmeOutput } from './readme.mjs'
import { expect, runChecks } from './run-checks.mjs'
import { startRegistry } from './registry.mjs'
import { versionOfPackage } from './version.mjs'

const STEP_LIMIT = 2 * 60_000
const NAME = 'concurrent-futures'

/** What npm takes for the system that it installs for. */
function systemOf(platform) {
  const { os, cpu, libc } = manifestOf(`npm/${platform}`)
  return [`--os=${os[0]}`, `--cpu=${cpu[0]}`, ...(libc ? [`--libc=${libc[0]}`] : [])]
}

/** The checks, in this order: a sentence each, and what throws when it does not hold. */
function checks({ folder, url, env }) {
  const version = versionOfPackage()
  const names = platforms().map((platform) => manifestOf(`npm/${platform}`).name)
  const options = { cwd: folder, env, limit: STEP_LIMIT }
  const node = (...args) => must(args.join(' '), process.execPath, args, options)
  const npm = (...args) => node(npmScript(), ...args, '--no-audit', '--no-fund')
  const publish = (...args) =>
    run(process.execPath, [join(root, 'scripts/publish.mjs'), '--registry', url, ...args], { env, limit: STEP_LIMIT })
  const installed = () => readdirSync(join(folder, 'node_modules/@concurrent-futures'))
  const linesOf = (state) => [...names, NAME].map((name) => `${name}@${version} ${state}\n`)

  return {
    'another tag than the version publishes nothing': async () => {
      const { code, output } = await publish('--tag', 'v0.0.0-other')
      expect(code !== 0 && output.includes('not 0.0.0-other'), output)
    },
    'a dry run publishes nothing': async () => {
      const { code, output } = await publish('--dry-run')
      expect(code === 0 && output === linesOf('would be published').join(''), output)
      const { status } = await fetch(url + NAME)
      expect(status === 404, `the registry answers ${status}`)
    },
    'a release that broke off goes on where it stopped, and the main package comes last': async () => {
      await npm('publish', tarballOf({ name: names[0], version }), '--registry', url)
      const { code, output } = await publish('--tag', `v${version}`)
      const [, ...others] = linesOf('is published')
      expect(code === 0 && output === [linesOf('is there already')[0], ...others].join(''), output)
    },
    'a release that was made is not made again': async () => {
      const { code, output } = await publish()
      expect(code === 0 && output === linesOf('is there already').join(''), output)
    },
    'the version has its dist-tag': async () => {
      const { 'dist-tags': tags } = await (await fetch(url + NAME)).json()
      expect(tags[version.includes('-') ? 'next' : 'latest'] === version, JSON.stringify(tags))
    },
    "the README's example runs, installed from there": async () => {
      writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
      writeFileSync(join(folder, 'example.mjs'), readmeExample())
      await npm('install', `${NAME}@${version}`)
      const { stdout } = await node('example.mjs')
      expect(stdout === readmeOutput(), `it printed\n${stdout}`)
    },
    'npm ci installs for every platform from the lock file that was made on this one': async () => {
      const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
      for (const platform of platforms()) {
        await npm('ci', ...systemOf(platform))
        expect(installed().join() === `binding-${platform}`, `for ${platform} it installed ${installed().join()}`)
      }
      expect(readFileSync(join(folder, 'package-lock.json'), 'utf8') === lock, 'the lock file has changed')
    },
  }
}

await main(async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
  let registry
  try {
    registry = await startRegistry(scratch)
    const folder = join(scratch, 'project')
    mkdirSync(folder)
    const others = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|NAPI_)/i.test(name))
    const env = { ...Object.fromEntries(others), npm_config_userconfig: registry.npmrc, npm_config_cache: join(scratch, 'cache') }
    await runChecks(checks({ folder, url: registry.url, env }))
  } finally {
    registry?.stop()
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  }
})
