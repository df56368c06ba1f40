/** What moduleTasks() is asked about in public.mts. */
export const add = (a: number, b: number): number => a + b
export const later = async (text: string): Promise<string[]> => [text]
export function* count(to: number): Generator<number, string> {
  for (let i = 0; i < to; i++) yield i
  return 'done'
}
export const version = 1
