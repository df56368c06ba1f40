import 'reflect-metadata'
import { Controller, Get, Inject, Module, Param, Res, UseFilters } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { moduleTasks } from 'concurrent-futures'
import { EXECUTOR, ExecutorFilter, ExecutorModule } from './executor.mjs'

const { report } = moduleTasks(new URL('./tasks.mjs', import.meta.url))
const DEADLINE = 1_000

class ReportController {
  constructor(executor) {
    this.executor = executor
  }

  report(ms, response) {
    const leaving = new AbortController()
    response.on('close', () => leaving.abort())
    return this.executor.with({ totalTimeout: DEADLINE, signal: leaving.signal }).submit(report, Number(ms)).result()
  }

  health() {
    const { broken, queued, running, cancelled } = this.executor.stats()
    return { broken, queued, running, cancelled }
  }
}
const method = (name, decorator) =>
  decorator(ReportController.prototype, name, Object.getOwnPropertyDescriptor(ReportController.prototype, name))

Inject(EXECUTOR)(ReportController, undefined, 0) // constructor(@Inject(EXECUTOR) executor)
method('report', Get('report/:ms')) // @Get('report/:ms')
Param('ms')(ReportController.prototype, 'report', 0) // report(@Param('ms') ms, …)
Res({ passthrough: true })(ReportController.prototype, 'report', 1) // …, @Res({ passthrough: true }) response)
method('health', Get('health')) // @Get('health')
UseFilters(ExecutorFilter)(ReportController) // @UseFilters(ExecutorFilter)
Controller()(ReportController) // @Controller() class ReportController

export class AppModule {
  constructor({ httpAdapter }) {
    this.adapter = httpAdapter
  }

  // Without this the end would wait for connections that are kept alive by requests answered from now on.
  onModuleDestroy() {
    this.adapter.getHttpServer().keepAliveTimeout = 1
  }
}
Inject(HttpAdapterHost)(AppModule, undefined, 0) // constructor(adapterHost: HttpAdapterHost)
const executor = ExecutorModule.forRoot({ name: 'reports', maxWorkers: 1, maxQueue: 5 })
Module({ imports: [executor], controllers: [ReportController] })(AppModule) // @Module({ … }) class AppModule
