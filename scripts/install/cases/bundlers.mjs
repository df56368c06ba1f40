// Bundlers: a program is bundled with the line that each needs, what comes of it is copied to a machine
// that has neither the sources nor other packages, and runs there. Without the line the first import says
// what to do.
import { renameSync } from 'node:fs'
import { installedProject, makeProject } from '../project.mjs'
import { pick } from '../tools.mjs'

const LEAVE_IT_OUT = [/bundler has put the code of concurrent-futures elsewhere/, /as external/]

/** The name of the case; its packages; the command that bundles into out/. */
const BUNDLERS = {
  esbuild: { packages: ['esbuild'], command: ['node', 'build.mjs'] },
  rolldown: { packages: ['rolldown'], command: ['node_modules/.bin/rolldown', '-c'] },
  // Without a plugin Rollup leaves all packages out.
  rollup: { packages: ['rollup'], command: ['node_modules/.bin/rollup', '-c'], isAlwaysOut: true },
  vite: { packages: ['vite'], command: ['node_modules/.bin/vite', 'build'] },
  webpack: { packages: ['webpack', 'webpack-cli'], command: ['node_modules/.bin/webpack'] },
  'webpack-entries': { packages: ['webpack', 'webpack-cli'], command: ['node_modules/.bin/webpack'] },
}

/** Bundles of the program, in a project that has neither the sources nor other packages. */
async function deployed(context, name, { packages, command }, bundles) {
  const sources = await installedProject(context, name, { app: ['basic', name], manifest: { devDependencies: pick(...packages) } })
  const target = makeProject(context, `${name}-deployed`)
  const [program, ...args] = command
  for (const [folder, env] of Object.entries(bundles)) {
    await sources.must(program, args, { env })
    renameSync(sources.path('out'), target.path(folder))
  }
  renameSync(sources.folder, `${sources.folder}-gone`)
  await target.npm('install')
  return target
}

function bundlerCase(name, bundler) {
  return {
    title: `a program that ${name} has bundled with the package as external works; with the package in it, it says why not`,
    async run(context) {
      const bundles = { out: {}, ...(bundler.isAlwaysOut ? {} : { whole: { BUNDLE_ALL: '1' } }) }
      const target = await deployed(context, name, bundler, bundles)
      await target.works(['out/main.mjs'])
      if (bundles.whole !== undefined) await target.fails(LEAVE_IT_OUT, ['whole/main.mjs'])
    },
  }
}

export default Object.fromEntries(Object.entries(BUNDLERS).map(([name, bundler]) => [name, bundlerCase(name, bundler)]))
