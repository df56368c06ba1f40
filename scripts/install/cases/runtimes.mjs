// Node.js, Bun and Deno, step by step: apps/runtimes/steps.mjs. What is known to be otherwise than under
// Node.js is listed here, and docs/runtimes.md says it in prose; a step that changes, for the better too,
// fails.
import { expect } from '../../run-checks.mjs'
import { installedProject } from '../project.mjs'
import { tool } from '../tools.mjs'

const STEP_LIMIT = 60_000

/** How a step ended: 'works', 'error' or 'dies'. */
async function outcome(project, [program, ...first], step) {
  const { code, signal, stdout, output } = await project.run(program, [...first, 'steps.mjs', step], { limit: STEP_LIMIT })
  const said = stdout.trim().split('\n').at(-1)
  if (code !== 0 || said === '') return { kind: 'dies', detail: `${signal ?? code}: ${output.trim().slice(-300)}` }
  return { kind: said === 'works' ? 'works' : 'error', detail: said }
}

async function checkRuntime(context, name, command, differs) {
  const project = await installedProject(context, `runtime-${name}`, { app: 'runtimes' })
  const { stdout } = await project.must(process.execPath, ['steps.mjs'])
  const wrong = []
  for (const step of JSON.parse(stdout)) {
    const { kind, detail } = await outcome(project, command, step)
    if (kind !== (differs[step] ?? 'works')) wrong.push(`${step}: expected '${differs[step] ?? 'works'}', it ${kind}: ${detail}`)
  }
  expect(wrong.length === 0, wrong.join('\n'))
}

/** No v8.Serializer: nothing crosses but what is safe in JSON, and bytes. */
const BUN = { 'dates, maps, sets, cycles': 'error', transfer: 'error', 'shared memory': 'error' }
/** process.exit() of a worker returns there, so the task ends as if nothing had happened. */
const DENO = { 'shared memory': 'error', 'a task that calls process.exit()': 'error' }

export default {
  node: {
    title: 'Node.js does all steps',
    run: (context) => checkRuntime(context, 'node', [process.execPath], {}),
  },
  'bun-runtime': {
    title: 'Bun does all steps but those that are known',
    run: async (context) => {
      const command = await tool(context.scratch, 'bun', { binary: '@oven/*/bin/bun' })
      await checkRuntime(context, 'bun', command, BUN)
    },
  },
  'deno-runtime': {
    title: 'Deno does all steps but those that are known',
    run: async (context) => {
      const [deno] = await tool(context.scratch, 'deno', { binary: '@deno/*/deno' })
      await checkRuntime(context, 'deno', [deno, 'run', '-A'], DENO)
    },
  },
}
