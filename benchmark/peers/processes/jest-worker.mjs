import { farmOf } from '../jest-worker.mjs'

export const modes = {
  default: { enableWorkerThreads: false, forkOptions: { serialization: 'advanced' } },
  json: { enableWorkerThreads: false, forkOptions: { serialization: 'json' } },
}

export const start = ({ workers, mode }) => farmOf(workers, modes[mode])
