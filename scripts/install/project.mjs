// A project of a user's own: a folder with a package.json, in it one of the apps, and what runs there.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandFailure, npmScript, run } from '../command.mjs'
import { expect } from '../run-checks.mjs'
import { versionOfPackage } from '../version.mjs'

/** So long one step of a case may take: a large package over a slow line. */
const STEP = 5 * 60_000

/** What apps/basic prints, and every other app that does the same. */
export const ALL_WORKS = 'module 42\ninline 42\nnative 25\nendless ERR_FUTURE_TIMEOUT\nprocess 42\n'

/** What the import says where the platform's package was left out. */
export const MISSING_PACKAGE = /Cannot find native binding: the package @concurrent-futures\/binding-[\w-]+ is not installed/

/**
 * The environment of a user who has only Node.js: a home of its own in the scratch folder, with all
 * caches.
 */
export function userEnv(scratch, registry) {
  const others = Object.entries(process.env).filter(([name]) => !/^(npm_|yarn_|bun_|deno_|NODE_|NAPI_|CARGO|RUST|CI$)/i.test(name))
  const home = join(scratch, 'home')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, '.npmrc'), `registry=${registry}\n`)
  return {
    ...Object.fromEntries(others),
    PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
    HOME: home,
    npm_config_cache: join(home, 'npm'),
    npm_config_update_notifier: 'false',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    NEXT_TELEMETRY_DISABLED: '1',
  }
}

export class Project {
  constructor(folder, env) {
    this.folder = folder
    this.env = env
  }

  path(...names) {
    return join(this.folder, ...names)
  }

  write(name, text) {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), typeof text === 'string' ? text : `${JSON.stringify(text, null, 2)}\n`)
  }

  read(name) {
    return readFileSync(this.path(name), 'utf8')
  }

  /** Runs a program there, to its end. */
  async run(program, args, { env = {}, limit = STEP } = {}) {
    return await run(program, args, { cwd: this.folder, env: { ...this.env, ...env }, limit })
  }

  async must(program, args, options) {
    const result = await this.run(program, args, options)
    if (result.code !== 0) throw new CommandFailure([program, ...args].join(' '), result)
    return result
  }

  node(args, options) {
    return this.run(process.execPath, args, options)
  }

  npm(...args) {
    return this.must(process.execPath, [npmScript(), ...args])
  }

  /** Runs a program that has to print `expected`, end by itself, and say nothing on stderr. */
  async prints(expected, program, args, options) {
    const { code, signal, stdout, output } = await this.run(program, args, options)
    const isRight = code === 0 && stdout === expected
    expect(isRight, `${[program, ...args].join(' ')} ended with ${signal ?? code} and printed\n${output}`)
  }

  works(args = ['main.mjs'], options) {
    return this.prints(ALL_WORKS, process.execPath, args, options)
  }

  /** Runs Node.js, which has to end with an error like this one. */
  async fails(pattern, args = ['main.mjs'], options) {
    const { code, output } = await this.node(args, options)
    expect(code !== 0 && code !== null, `it ended with ${code}\n${output}`)
    for (const part of [pattern].flat()) expect(part.test(output), `no ${part} in\n${output}`)
  }
}

/**
 * Makes a project.
 *
 * @param app - the folders under apps/ whose files it gets, one over the other; default none
 * @param manifest - what its package.json has besides; the package itself is a dependency of it
 */
export function makeProject({ scratch, env }, name, { app = [], manifest = {} } = {}) {
  const folder = join(scratch, 'projects', name)
  mkdirSync(folder, { recursive: true })
  const apps = fileURLToPath(new URL('./apps', import.meta.url))
  for (const each of [app].flat()) cpSync(join(apps, each), folder, { recursive: true })
  const project = new Project(folder, env)
  const { dependencies, ...rest } = manifest
  project.write('package.json', { private: true, ...rest, dependencies: { 'concurrent-futures': versionOfPackage(), ...dependencies } })
  return project
}

/** The same, and npm installs what it asks for. */
export async function installedProject(context, name, options) {
  const project = makeProject(context, name, options)
  await project.npm('install')
  return project
}
