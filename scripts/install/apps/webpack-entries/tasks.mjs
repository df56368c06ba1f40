import { twice } from './twice.mjs'

export const double = (n) => twice(n)
