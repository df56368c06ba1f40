// npm: from the registry, by lock files of this and of other platforms, and without the platform's package.
import { readdirSync } from 'node:fs'
import { expect } from '../../run-checks.mjs'
import { installedProject, makeProject, MISSING_PACKAGE } from '../project.mjs'

/** A platform that nobody runs these cases on. */
const ELSEWHERE = ['--os=win32', '--cpu=x64', '--libc=']

export default {
  npm: {
    title: 'npm install, then npm ci by the lock file that it wrote; no package has an install script',
    async run(context) {
      const project = await installedProject(context, 'npm', { app: 'basic' })
      await project.works()
      await project.npm('ci')
      await project.works()
      const lock = JSON.parse(project.read('package-lock.json'))
      const withScripts = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript)
      expect(withScripts.length === 0, `${withScripts.join()} have install scripts`)
      const [installed, ...more] = readdirSync(project.path('node_modules/@concurrent-futures'))
      expect(more.length === 0, `${installed} and ${more} were installed`)
    },
  },
  'npm-elsewhere': {
    title: 'npm ci by a lock file that was made on another platform',
    async run(context) {
      const elsewhere = makeProject(context, 'npm-elsewhere')
      await elsewhere.npm('install', ...ELSEWHERE)
      await elsewhere.fails(MISSING_PACKAGE, ['-e', "require('concurrent-futures')"])
      const here = makeProject(context, 'npm-here', { app: 'basic' })
      here.write('package-lock.json', elsewhere.read('package-lock.json'))
      await here.npm('ci')
      await here.works()
    },
  },
  'npm-omit-optional': {
    title: 'npm install --omit=optional: the error names the package that is missing, and the cure works',
    async run(context) {
      const project = makeProject(context, 'npm-omit-optional', { app: 'basic' })
      await project.npm('install', '--omit=optional')
      await project.fails([MISSING_PACKAGE, /--omit=optional/])
      await project.npm('install', '--include=optional')
      await project.works()
    },
  },
}
