/** What happens to workers of a pool that this isolate owns, as the addon tells it. */
import { binding } from '../addon/binding.ts'
import {
  WORKER_EVENT_ABANDON,
  WORKER_EVENT_EXIT,
  WORKER_EVENT_INTERRUPT,
  WORKER_EVENT_START,
} from '../addon/seam.ts'
import type { WorkerMessage } from '../diagnostics/channels.ts'
import { tellWorker } from '../diagnostics/workers.ts'

const EVENTS: Readonly<Record<number, WorkerMessage['event']>> = {
  [WORKER_EVENT_START]: 'start',
  [WORKER_EVENT_EXIT]: 'exit',
  [WORKER_EVENT_INTERRUPT]: 'interrupt',
  [WORKER_EVENT_ABANDON]: 'abandon',
}

/** Tells what has happened since the last time. */
export function tellNews(pool: number, executor: string): void {
  const list = binding.takeNews(pool)
  for (let at = 0; at < list.length; at += 4) {
    const [event, threadId, exitCode, task] = list.slice(at, at + 4)
    tellWorker(executor, EVENTS[event as number] as WorkerMessage['event'], threadId as number, {
      exitCode,
      task,
    })
  }
}
