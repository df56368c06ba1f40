// node fastify.mjs; SIGTERM ends it.
import { makeService } from './service.mjs'

const app = await makeService()
// A second signal ends it at once.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => app.close())
console.log(await app.listen({ port: Number(process.env.PORT ?? 0) }))
