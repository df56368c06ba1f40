// The task that gives its argument's memory back instead of a copy.
import { move } from 'piscina'

export function bounce(bytes) {
  return move(bytes)
}
