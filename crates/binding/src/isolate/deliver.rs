//! From a settled task to the isolate that submitted it: a row in the shared header for each, and one call of
//! `deliver(count, values)` for a batch of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use napi::sys;

use crate::isolate::header::BATCH_ROWS;
use crate::isolate::row::Row;
use crate::isolate::state::IsolateState;
use crate::js::{self, Env, FLOAT64_ARRAY, Fault};
use crate::tasks::pools;
use crate::tasks::task::{JsTask, Note};
use crate::values::elements::memory_of;
use crate::values::value::{FORM_YIELDED, FORM_YIELDED_NUMBERS, Packed, Value};
use crate::values::writing;

/// Takes what was posted. From now on a post rings again.
pub(crate) fn collect_notes(state: &IsolateState) {
    state.mailbox.listen();
    let mut notes: Vec<Note> = state.mailbox.take_services();
    let mut pending = state.pending.borrow_mut();
    pending.extend(notes.drain(..));
    state.mailbox.take(&mut notes);
    pending.extend(notes);
}

/// Delivers up to a batch of the pending notes.
pub(crate) fn deliver(state: &IsolateState) {
    let mut batch = Batch { state, values: None, rows: 0, weight: 0 };
    // The slots of the rows that are there are free already: those rows are sent whatever becomes of the
    // next one.
    let filled = batch.fill();
    state.delivery_pace.note_sent(batch.rows);
    let sent = if batch.rows > 0 { batch.send() } else { Ok(()) };
    if filled.is_ok() && sent.is_ok() {
        return;
    }
    if let Some(error) = js::take_exception(state.env) {
        // SAFETY: a live value of this isolate.
        unsafe { sys::napi_fatal_exception(state.env, error) };
    }
}

/// A batch ends when its values in the heap have so many bytes: values that wait together for their
/// delivery are all alive, and the garbage collector copies what is alive.
const BATCH_WEIGHT: usize = 1 << 16;

struct Batch<'a> {
    state: &'a IsolateState,
    /// The values of the rows that have any; made when first needed.
    values: Option<sys::napi_value>,
    rows: usize,
    /// How many bytes its values have in the heap.
    weight: usize,
}

impl Batch<'_> {
    fn fill(&mut self) -> Result<(), Fault> {
        let most = self.state.delivery_pace.most_rows();
        // A note makes three rows at most.
        while self.rows + 3 <= BATCH_ROWS && self.rows < most && self.weight < BATCH_WEIGHT {
            let next = self.state.pending.borrow_mut().pop_front();
            match next {
                None => break,
                Some(Note::Progress(task)) => {
                    if !self.add_progress(&task)? {
                        self.put_back(Note::Progress(task));
                    }
                }
                Some(Note::Settled(task)) => {
                    if !self.add_settled(&task)? {
                        self.put_back(Note::Settled(task));
                    }
                }
                Some(Note::GoOn(task)) => {
                    if let Some(side) = &*self.state.worker.borrow() {
                        side.note_due(task);
                    }
                }
                Some(Note::LetGo(task)) => self.add_let_go(&task)?,
                Some(Note::Pool { event, pool, number }) => self.push(pool, Row::of_pool(event, number))?,
                Some(Note::Unshared(number)) => self.state.shareds.forget(self.state.env, number),
            }
        }
        Ok(())
    }

    /// For the next batch, which comes in the next turn of the loop.
    fn put_back(&mut self, note: Note) {
        self.state.pending.borrow_mut().push_front(note);
        self.weight = BATCH_WEIGHT;
        self.state.delivery_pace.end_turn();
    }

    /// Adds what the task has reported. False if that is not all of it.
    fn add_progress(&mut self, task: &Arc<JsTask>) -> Result<bool, Fault> {
        let slot = task.owner().slot;
        if !self.state.futures.borrow().holds(slot, task) {
            return Ok(true);
        }
        let Some((waiting, is_all)) = take_progress(task, BATCH_PROGRESS) else { return Ok(true) };
        self.weight += waiting.iter().map(|packed| packed.value.weight()).sum::<usize>();
        let list = write_progress(self.state.env, waiting)?;
        self.push(slot, Row::of_progress(list))?;
        Ok(is_all)
    }

    /// Adds that a stream which has settled is held by no worker any more, if that is so: its reader waits
    /// for that.
    fn add_let_go(&mut self, task: &Arc<JsTask>) -> Result<(), Fault> {
        let Some(stream) = &task.owner().stream else { return Ok(()) };
        let is_held = || pools::find(task.owner().pool).is_some_and(|entry| entry.pool.is_held(task));
        if stream.is_held_away() || is_held() { Ok(()) } else { self.push(stream.id, Row::of_let_go()) }
    }

    /// Adds the outcome. False if the progress before it fills the batch.
    fn add_settled(&mut self, task: &Arc<JsTask>) -> Result<bool, Fault> {
        let slot = task.owner().slot;
        if !self.state.futures.borrow().holds(slot, task) {
            self.add_let_go(task)?;
            return Ok(true);
        }
        if !self.add_progress(task)? {
            return Ok(false);
        }
        let outcome = task.take_outcome();
        if let Some(Ok(packed)) = &outcome {
            self.weight += packed.value.weight();
        }
        self.push(slot, Row::of_outcome(self.state.env, task, outcome)?)?;
        // TypeScript takes the future of every row out of its table before it runs any code of the user,
        // so the slot can be used again from now on.
        self.state.release_future(slot, task);
        self.add_let_go(task)?;
        Ok(true)
    }

    fn push(&mut self, slot: u32, row: Row) -> Result<(), Fault> {
        self.state.header.set_row(self.rows, slot, row.kind, row.number);
        if let Some(value) = row.value {
            let values = match self.values {
                Some(values) => values,
                None => *self.values.insert(js::array(self.state.env)?),
            };
            js::set_element(self.state.env, values, self.rows as u32, value)?;
        }
        self.rows += 1;
        Ok(())
    }

    fn send(self) -> Result<(), Fault> {
        let env = self.state.env;
        let deliver = js::deref(env, self.state.callbacks.deliver)?;
        let values = self.values.map_or_else(|| js::undefined(env), Ok)?;
        js::call(env, deliver, &[js::int(env, self.rows as i32)?, values]).map(drop)
    }
}

/// So many values of progress are a batch of their own.
const BATCH_PROGRESS: usize = 1024;

/// The progress that was not delivered yet, as a flat array of forms and values.
pub(crate) fn progress(env: Env, task: &Arc<JsTask>) -> Result<Option<sys::napi_value>, Fault> {
    take_progress(task, usize::MAX).map(|(waiting, _)| write_progress(env, waiting)).transpose()
}

/// The first `most` values of the progress that was not delivered yet, and whether these are all.
fn take_progress(task: &Arc<JsTask>, most: usize) -> Option<(Vec<Packed>, bool)> {
    if !task.owner().has_progress.load(Ordering::Acquire) {
        return None;
    }
    let mut progress = task.owner().progress.lock();
    let waiting = progress.as_mut()?;
    if waiting.len() <= most {
        return progress.take().map(|all| (*all, true));
    }
    let rest = waiting.split_off(most);
    Some((std::mem::replace(waiting, rest), false))
}

fn write_progress(env: Env, waiting: Vec<Packed>) -> Result<sys::napi_value, Fault> {
    let list = js::array(env)?;
    let mut at = 0;
    let mut left = &waiting[..];
    while let [packed, ..] = left {
        let (written, count) = match yielded_numbers(left) {
            Some(numbers) => {
                let array = js::bytes(env, FLOAT64_ARRAY, memory_of(&numbers));
                (array.map(|array| (FORM_YIELDED_NUMBERS, array)), numbers.len())
            }
            None => (writing::write_packed(env, packed), 1),
        };
        left = &left[count..];
        let Ok((form, value)) = written else {
            // No memory for it. The future settles all the same.
            let _ = js::take_exception(env);
            continue;
        };
        js::set_element(env, list, at, js::int(env, i32::from(form))?)?;
        js::set_element(env, list, at + 1, value)?;
        at += 2;
    }
    Ok(list)
}

/// So many numbers cost less as one array than one by one.
const WORTH_AN_ARRAY: usize = 8;

/// The first of these values, if they are many that a stream has yielded, and numbers.
fn yielded_numbers(values: &[Packed]) -> Option<Vec<f64>> {
    let number = |packed: &Packed| match packed {
        Packed { form: FORM_YIELDED, value: Value::Number(number) } => Some(*number),
        _ => None,
    };
    values.get(WORTH_AN_ARRAY - 1).and_then(number)?;
    let numbers: Vec<f64> = values.iter().map_while(number).collect();
    (numbers.len() >= WORTH_AN_ARRAY).then_some(numbers)
}
