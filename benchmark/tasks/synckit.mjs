import { runAsWorker } from 'synckit'

runAsWorker((value) => (typeof value === 'number' ? value + 1 : value))
