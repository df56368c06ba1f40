// The program in TypeScript: it knows the types of the tasks, and does not import their code.
//   node program.ts                 Node.js 22.18 and newer, which strips types itself
//   node --import tsx program.ts    Node.js 20
import { moduleTasks, ThreadPoolExecutor } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import type { Place, Tour } from './tasks.ts'

const strips = Boolean((process.features as { typescript?: unknown }).typescript)

const executor = new ThreadPoolExecutor({
  // In a worker of Node.js 20 the flag `--import tsx` does nothing, so each worker registers it. Its address
  // is found here: a function that is sent as source looks from the current directory.
  ...(!strips && {
    initializer: async (tsx: string) => void (await import(tsx)).register(),
    initargs: [import.meta.resolve('tsx/esm/api')],
  }),
})
const { shortestTour } = moduleTasks<typeof import('./tasks.ts')>(new URL('./tasks.ts', import.meta.url))

const tours: Record<string, readonly Place[]> = {
  'the north': [
    { name: 'Oslo', latitude: 59.91, longitude: 10.75 },
    { name: 'Helsinki', latitude: 60.17, longitude: 24.94 },
    { name: 'Copenhagen', latitude: 55.68, longitude: 12.57 },
    { name: 'Stockholm', latitude: 59.33, longitude: 18.07 },
    { name: 'Tallinn', latitude: 59.44, longitude: 24.75 },
    { name: 'Riga', latitude: 56.95, longitude: 24.11 },
  ],
  'the Alps': [
    { name: 'Bern', latitude: 46.95, longitude: 7.45 },
    { name: 'Ljubljana', latitude: 46.06, longitude: 14.51 },
    { name: 'Turin', latitude: 45.07, longitude: 7.69 },
    { name: 'Innsbruck', latitude: 47.27, longitude: 11.4 },
    { name: 'Grenoble', latitude: 45.19, longitude: 5.72 },
  ],
}

const futures = new Map<string, Future<Tour>>()
for (const [name, places] of Object.entries(tours)) futures.set(name, executor.submit(shortestTour, places))
for (const [name, future] of futures) {
  const { order, kilometres } = await future
  console.log(`${name}: ${order.join(', ')}: ${Math.round(kilometres)} km`)
}
// The worker's module runs as it stands, so its errors name lines of the .ts file.
const error = (await executor.submit(shortestTour, []).exception()) as Error
console.log(`${error.message}: ${/tasks\.ts:\d+/.exec(error.stack ?? '')?.[0]}`)
await executor.shutdown()
