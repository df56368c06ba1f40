// node nestjs.mjs; SIGTERM ends it.
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.mjs'

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 0)
console.log(await app.getUrl())
