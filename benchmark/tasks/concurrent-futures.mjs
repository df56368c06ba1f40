// The task that gives its argument's memory back instead of a copy.
import { transfer } from '../../dist/index.js'

export function bounce(bytes) {
  return transfer(bytes, [bytes.buffer])
}
