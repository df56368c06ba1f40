import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { moduleTasks } from 'concurrent-futures'
import { all } from '../../all.mjs'

export const dynamic = 'force-dynamic'

// A file that is not bundled: a worker imports it as it is.
const { double } = moduleTasks(pathToFileURL(join(process.cwd(), 'tasks.mjs')))

export async function GET() {
  const lines = []
  await all(double, (...words) => lines.push(`${words.join(' ')}\n`))
  return new Response(lines.join(''))
}
