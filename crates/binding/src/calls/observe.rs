//! What is told of a pool to those who watch it: its workers, and traces.

use crate::calls::call::{Answer, Call, id_value, nothing, pool_of};
use crate::calls::mirror;
use crate::js;
use crate::process::parent;
use crate::tasks::news::WorkerNews;
use crate::tasks::recorder::{self as cells, Row, TaskName};
use crate::tasks::trace;
use crate::values::text::Text;

/// `takeNews(pool)`: what has happened to its workers, as a flat array of event, thread, exit code or
/// undefined, and task or undefined.
pub(crate) fn take_news(call: &Call<'_>) -> Answer {
    let env = call.env;
    let list = js::array(env)?;
    for (at, news) in (0..).step_by(4).zip(pool_of(call)?.news.take()) {
        let WorkerNews { event, thread, exit_code, task } = news;
        js::set_element(env, list, at, js::int(env, event as i32)?)?;
        js::set_element(env, list, at + 1, js::double(env, f64::from(thread))?)?;
        let code = exit_code.map_or_else(|| js::undefined(env), |code| js::int(env, code))?;
        js::set_element(env, list, at + 2, code)?;
        let task = task.map_or_else(|| js::undefined(env), |task| id_value(call, task))?;
        js::set_element(env, list, at + 3, task)?;
    }
    Ok(list)
}

/// `traceStart(pool)`: begins a trace; its number.
pub(crate) fn trace_start(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    let number = match parent::of_mirror(&entry) {
        Some(parent) => mirror::trace_start(parent)?,
        None => trace::start(&entry),
    };
    js::double(call.env, f64::from(number))
}

/// So many rows of a trace are given at once.
const ROWS: usize = 2_048;

/// `traceTake(pool, number)`: ends a trace, and gives the next of its rows, an array each; none when all were
/// given.
pub(crate) fn trace_take(call: &Call<'_>) -> Answer {
    let (entry, number) = (pool_of(call)?, call.u32(1)?);
    let rows = match parent::of_mirror(&entry) {
        Some(parent) => mirror::trace_take(parent, number, ROWS as u32)?,
        None => trace::take(&entry, number, ROWS),
    };
    let list = js::array(call.env)?;
    for (at, row) in (0..).zip(rows) {
        js::set_element(call.env, list, at, write_row(call, &row)?)?;
    }
    Ok(list)
}

fn write_row(call: &Call<'_>, row: &Row) -> Answer {
    let env = call.env;
    let cells = js::array(env)?;
    let name = match &row.name {
        TaskName::Function(name) => js::string(env, name)?,
        TaskName::Kernel(kernel) => js::double(env, f64::from(*kernel))?,
    };
    for (place, cell) in [
        (cells::ROW, js::int(env, row.what as i32)?),
        (cells::ID, id_value(call, row.id)?),
        (cells::LABEL, Text::write_or_empty(row.label.as_ref(), env)?),
        (cells::NAME, name),
        (cells::KIND, js::int(env, i32::from(row.kind))?),
        (cells::THREAD, js::double(env, f64::from(row.thread))?),
        (cells::WORKER, js::double(env, f64::from(row.worker))?),
        (cells::SUBMITTED, js::double(env, row.submitted)?),
        (cells::BEGAN, js::double(env, row.began)?),
        (cells::END, js::double(env, row.end)?),
    ] {
        js::set_element(env, cells, place, cell)?;
    }
    Ok(cells)
}

/// `traceDropped(pool, number)`: how many events a trace has dropped.
pub(crate) fn trace_dropped(call: &Call<'_>) -> Answer {
    let (entry, number) = (pool_of(call)?, call.u32(1)?);
    let dropped = match parent::of_mirror(&entry) {
        Some(parent) => mirror::trace_dropped(parent, number)?,
        None => trace::dropped(&entry, number),
    };
    id_value(call, dropped)
}

/// `traceForget(pool, number)`: nobody wants a trace any more.
pub(crate) fn trace_forget(call: &Call<'_>) -> Answer {
    let (entry, number) = (pool_of(call)?, call.u32(1)?);
    if parent::of_mirror(&entry).is_none() {
        while !trace::take(&entry, number, usize::MAX).is_empty() {}
    }
    nothing(call)
}
