// The other package managers, each with the linker that it has by default, and Yarn with both of its own.
// Each takes what was published a moment ago: where a manager waits some days with that, it is told not
// to.
import { existsSync } from 'node:fs'
import { expect } from '../../run-checks.mjs'
import { makeProject, MISSING_PACKAGE } from '../project.mjs'
import { tool } from '../tools.mjs'

/** A project, and the manager's command in it. */
async function projectWith(context, name, { app = 'basic', manager, bin, binary, env }) {
  const [program, ...first] = await tool(context.scratch, manager, { bin, binary })
  const project = makeProject(context, name, { app })
  const call = (...args) => project.must(program, [...first, ...args], { env })
  return { project, call, script: first[0] }
}

const PNPM = { manager: 'pnpm', binary: '@pnpm/*/pnpm', env: { pnpm_config_minimum_release_age: '0' } }

function yarnEnv(context, linker) {
  return {
    YARN_NPM_REGISTRY_SERVER: context.registry,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_NPM_MINIMAL_AGE_GATE: '0',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    YARN_NODE_LINKER: linker,
  }
}

const yarn = (context, linker) => ({ manager: '@yarnpkg/cli-dist', bin: 'yarn', env: yarnEnv(context, linker) })

export default {
  pnpm: {
    title: 'pnpm install, then --frozen-lockfile by the lock file that it wrote',
    async run(context) {
      const { project, call } = await projectWith(context, 'pnpm', PNPM)
      await call('install')
      await project.works()
      await call('install', '--frozen-lockfile', '--force')
      await project.works()
    },
  },
  'pnpm-no-optional': {
    title: 'pnpm install --no-optional: the error names the package that is missing',
    async run(context) {
      const { project, call } = await projectWith(context, 'pnpm-no-optional', PNPM)
      await call('install', '--no-optional')
      await project.fails(MISSING_PACKAGE)
    },
  },
  yarn: {
    title: 'yarn install into node_modules, then --immutable by the lock file that it wrote',
    async run(context) {
      const { project, call } = await projectWith(context, 'yarn', yarn(context, 'node-modules'))
      project.write('yarn.lock', '')
      await call('install')
      await project.works()
      await call('install', '--immutable')
      await project.works()
    },
  },
  'yarn-pnp': {
    title: "yarn install with Plug'n'Play: no node_modules, and everything works",
    async run(context) {
      const options = yarn(context, 'pnp')
      const { project, call, script } = await projectWith(context, 'yarn-pnp', options)
      project.write('yarn.lock', '')
      await call('install')
      expect(!existsSync(project.path('node_modules')), 'there is a node_modules')
      await project.works([script, 'node', 'main.mjs'], { env: options.env })
    },
  },
  'yarn-1': {
    title: 'yarn 1 install, then --frozen-lockfile',
    async run(context) {
      const { project, call } = await projectWith(context, 'yarn-1', { manager: 'yarn', env: { YARN_REGISTRY: context.registry } })
      await call('install', '--non-interactive')
      await project.works()
      await call('install', '--non-interactive', '--frozen-lockfile', '--force')
      await project.works()
    },
  },
  bun: {
    title: 'bun install, then --frozen-lockfile; Node.js runs the program',
    async run(context) {
      const { project, call } = await projectWith(context, 'bun', { manager: 'bun', binary: '@oven/*/bin/bun' })
      await call('install')
      await project.works()
      await call('install', '--frozen-lockfile', '--force')
      await project.works()
    },
  },
  deno: {
    title: 'deno install, then --frozen; Node.js runs the program',
    async run(context) {
      const options = { manager: 'deno', binary: '@deno/*/deno', env: { NPM_CONFIG_REGISTRY: context.registry } }
      const { project, call } = await projectWith(context, 'deno', options)
      await call('install', '--minimum-dependency-age=0')
      await project.works()
      await call('install', '--frozen', '--minimum-dependency-age=0')
      await project.works()
    },
  },
}
