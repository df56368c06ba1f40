// The executor as a module: made and warmed up before the application listens, shut down when its last
// request is answered. Decorators are applied by hand; the notation of TypeScript is in comments.
import 'reflect-metadata'
import { Catch, Inject, Module } from '@nestjs/common'
import { CancelledError, QueueFullError, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'

/** What is injected: `constructor(@Inject(EXECUTOR) private readonly executor: ThreadPoolExecutor)`. */
export const EXECUTOR = Symbol('EXECUTOR')

export class ExecutorModule {
  static forRoot({ grace = 8_000, ...options }) {
    const useFactory = async () => {
      const executor = new ThreadPoolExecutor(options)
      await executor.warmUp()
      return executor
    }
    const providers = [
      { provide: EXECUTOR, useFactory },
      { provide: 'GRACE', useValue: grace },
    ]
    return { module: ExecutorModule, global: true, providers, exports: [EXECUTOR] }
  }

  constructor(executor, grace) {
    Object.assign(this, { executor, grace })
  }

  // Not in onModuleDestroy: then the server still takes requests, and those under way still submit.
  async onApplicationShutdown() {
    await this.executor.shutdown({ timeout: this.grace })
  }
}
Inject(EXECUTOR)(ExecutorModule, undefined, 0) // constructor(@Inject(EXECUTOR) executor, …)
Inject('GRACE')(ExecutorModule, undefined, 1) // constructor(…, @Inject('GRACE') grace)
Module({})(ExecutorModule) // @Module({}) class ExecutorModule

/** There is no room: 503. It took too long: 504. The client has left: nobody reads the answer. */
export class ExecutorFilter {
  catch(error, host) {
    const response = host.switchToHttp().getResponse()
    if (error instanceof QueueFullError) response.set('retry-after', '1').status(503).json({ error: 'busy' })
    else if (error instanceof TimeoutError) response.status(504).json({ error: 'it took too long' })
    else response.status(499).end()
  }
}
Catch(QueueFullError, TimeoutError, CancelledError)(ExecutorFilter) // @Catch(…) class ExecutorFilter
