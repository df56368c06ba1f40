// A thread that runs the same calls in a plain loop, when it is told to: what a core gives while the other
// one is busy, too.
import { parentPort } from 'node:worker_threads'
import { inline } from '../flow.mjs'

parentPort.on('message', ({ tasks, iterations }) => parentPort.postMessage(inline(tasks, iterations).ms))
