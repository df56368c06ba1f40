// Next.js: a route that uses the package, built for a copy without node_modules (output: 'standalone').
import { cpSync, renameSync } from 'node:fs'
import { expect } from '../../run-checks.mjs'
import { startServer } from '../../server.mjs'
import { ALL_WORKS, installedProject, Project } from '../project.mjs'
import { pick } from '../tools.mjs'

const LIMIT = 60_000

async function built(context, name, env = {}) {
  const manifest = { dependencies: pick('next', 'react', 'react-dom') }
  const project = await installedProject(context, name, { app: ['basic', 'next'], manifest })
  await project.must('node_modules/.bin/next', ['build'], { env })
  return project
}

/** What the route answers, of a server that is started in this folder. */
async function answerOf(command, { folder, env }) {
  const server = await startServer(command, { cwd: folder, env })
  try {
    const response = await fetch(`${server.url}work`, { signal: AbortSignal.timeout(LIMIT) })
    return await response.text()
  } finally {
    server.stop()
  }
}

export default {
  next: {
    title: 'a route of Next.js works, by next start and as a standalone copy',
    async run(context) {
      const project = await built(context, 'next')
      const started = await answerOf((port) => ['node_modules/.bin/next', 'start', '-p', `${port}`], project)
      expect(started === ALL_WORKS, `next start: the route answers\n${started}`)

      const copy = new Project(`${project.folder}-copy`, project.env)
      cpSync(project.path('.next/standalone'), copy.folder, { recursive: true, verbatimSymlinks: true })
      renameSync(project.folder, `${project.folder}-gone`)
      const node = (port) => ['/usr/bin/env', `PORT=${port}`, 'HOSTNAME=127.0.0.1', process.execPath, 'server.js']
      const answer = await answerOf(node, copy)
      expect(answer === ALL_WORKS, `the copy: the route answers\n${answer}`)
    },
  },
}
