// Programs that are CommonJS: by require(), in Jest without its flag for ES modules, compiled by
// TypeScript, and through bundlers of the time before ES modules.
import { cpSync, renameSync } from 'node:fs'
import { installedProject } from '../project.mjs'
import { pick } from '../tools.mjs'

const installed = (context, name, app, packages = []) =>
  installedProject(context, name, { app, manifest: { devDependencies: pick(...packages) } })

/** Bundled with the package as external, and run where there are no sources. */
function oldBundler(name, packages) {
  return {
    title: `a program that ${name} has bundled with the package as external works`,
    async run(context) {
      const sources = await installed(context, name, ['commonjs', 'old-bundler', name], packages)
      await sources.must(process.execPath, ['build.cjs'])
      const target = await installed(context, `${name}-deployed`)
      cpSync(sources.path('out'), target.path('out'), { recursive: true })
      target.write('out/tasks.cjs', 'exports.double = (n) => 2 * n\n')
      renameSync(sources.folder, `${sources.folder}-gone`)
      await target.works(['out/main.cjs'])
    },
  }
}

export default {
  require: {
    title: 'require() works, and gives the same classes as import',
    async run(context) {
      const project = await installed(context, 'require', 'commonjs')
      await project.works(['main.cjs'])
    },
  },
  jest: {
    title: 'Jest runs tests that are CommonJS, without --experimental-vm-modules',
    async run(context) {
      const project = await installed(context, 'jest', ['commonjs', 'jest'], ['jest'])
      await project.must('node_modules/.bin/jest', ['--ci'])
    },
  },
  'typescript-node16': {
    title: 'a CommonJS project passes the compiler with module: node16, and runs',
    async run(context) {
      const project = await installed(context, 'typescript-node16', 'typescript', ['typescript', '@types/node'])
      await project.must('node_modules/.bin/tsc', ['-p', '.'])
      await project.works(['out/main.js'])
    },
  },
  'webpack-4': oldBundler('webpack-4', ['webpack-4']),
  browserify: oldBundler('browserify', ['browserify']),
}
