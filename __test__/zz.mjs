import { ThreadPoolExecutor, moduleTasks } from 'concurrent-futures'
const work = moduleTasks(new URL('./fixtures/work.mjs', import.meta.url))
const ex = new ThreadPoolExecutor(2)
const f = ex.submit(work.pause, 20)
const end = Date.now() + 5000
while (!f.done() && Date.now() < end);
console.log(f.state, Date.now() - end + 5000)
await f
console.log(f.state)
const ex2 = new ThreadPoolExecutor(2)
const g = ex2.submit(() => Date.now())
{const end = Date.now() + 3000
while (Date.now() < end);}
console.log(Date.now() - await g)
const bad = moduleTasks(new URL('./fixtures/syntax-error.cjs', import.meta.url))
console.log(await ex2.submit(bad.f).exception(3000))
