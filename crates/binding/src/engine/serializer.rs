//! V8's serializer, called directly: what `node:v8` offers of it costs a buffer object on each side and a
//! call into JavaScript for each value. It writes what lib/values/v8/safe.ts has found that it carries as
//! `structuredClone` does.
//!
//! Both classes hold one pointer, to what they are made of. Without a delegate they throw on objects of the
//! host and on shared memory. What is written has the format of `v8.Serializer`, so that `v8.Deserializer`
//! can read it, too.

use std::mem::MaybeUninit;
use std::sync::OnceLock;

use napi::sys;

use crate::engine::library::{self, Symbols};
use crate::engine::v8::{Current, Isolate, Local};

/// Memory in which V8 makes one of its objects. `TryCatch`, the largest, takes six words.
type Place = MaybeUninit<[usize; 32]>;

/// A `v8::Maybe<bool>`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Maybe {
    is_there: bool,
    is_true: bool,
}

impl Maybe {
    fn is_done(self) -> bool {
        self.is_there && self.is_true
    }
}

/// A `std::pair<uint8_t*, size_t>`, which is returned in registers.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    data: *mut u8,
    size: usize,
}

/// The symbols.
#[derive(Clone, Copy)]
pub(crate) struct Serializer {
    pub(crate) current: Current,
    pub(crate) open_catch: unsafe extern "C" fn(*mut Place, *mut Isolate),
    pub(crate) close_catch: unsafe extern "C" fn(*mut Place),
    pub(crate) open_writer: unsafe extern "C" fn(*mut Place, *mut Isolate),
    pub(crate) close_writer: unsafe extern "C" fn(*mut Place),
    pub(crate) write_header: unsafe extern "C" fn(*mut Place),
    pub(crate) write_value: unsafe extern "C" fn(*mut Place, Local, sys::napi_value) -> Maybe,
    pub(crate) release: unsafe extern "C" fn(*mut Place) -> Memory,
    pub(crate) open_reader: unsafe extern "C" fn(*mut Place, *mut Isolate, *const u8, usize),
    pub(crate) close_reader: unsafe extern "C" fn(*mut Place),
    pub(crate) read_header: unsafe extern "C" fn(*mut Place, Local) -> Maybe,
    pub(crate) read_value: unsafe extern "C" fn(*mut Place, Local) -> sys::napi_value,
}

impl Serializer {
    fn find(symbols: &Symbols) -> Option<Serializer> {
        // SAFETY: constructors, destructors and members of V8's two classes; see `library` for how they are
        // called.
        unsafe {
            Some(Serializer {
                current: Current::find(symbols)?,
                open_catch: symbols.find(c"_ZN2v88TryCatchC1EPNS_7IsolateE")?,
                close_catch: symbols.find(c"_ZN2v88TryCatchD1Ev")?,
                open_writer: symbols.find(c"_ZN2v815ValueSerializerC1EPNS_7IsolateE")?,
                close_writer: symbols.find(c"_ZN2v815ValueSerializerD1Ev")?,
                write_header: symbols.find(c"_ZN2v815ValueSerializer11WriteHeaderEv")?,
                write_value: symbols
                    .find(c"_ZN2v815ValueSerializer10WriteValueENS_5LocalINS_7ContextEEENS1_INS_5ValueEEE")?,
                release: symbols.find(c"_ZN2v815ValueSerializer7ReleaseEv")?,
                open_reader: symbols.find(c"_ZN2v817ValueDeserializerC1EPNS_7IsolateEPKhm")?,
                close_reader: symbols.find(c"_ZN2v817ValueDeserializerD1Ev")?,
                read_header: symbols
                    .find(c"_ZN2v817ValueDeserializer10ReadHeaderENS_5LocalINS_7ContextEEE")?,
                read_value: symbols.find(c"_ZN2v817ValueDeserializer9ReadValueENS_5LocalINS_7ContextEEE")?,
            })
        }
    }
}

/// The calls, where the runtime has them.
pub(crate) fn serializer() -> Option<&'static Serializer> {
    static FOUND: OnceLock<Option<Serializer>> = OnceLock::new();
    FOUND.get_or_init(|| library::symbols().and_then(Serializer::find)).as_ref()
}

/// A value as V8 has written it, in memory of the C library.
pub(crate) struct Serialized(Memory);

// SAFETY: plain memory that nobody else knows, and that the C library frees on any thread.
unsafe impl Send for Serialized {}
// SAFETY: it is never changed.
unsafe impl Sync for Serialized {}

impl Serialized {
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.0.data.is_null() {
            return &[];
        }
        // SAFETY: V8 has given us so many bytes, which are ours until `drop`.
        unsafe { std::slice::from_raw_parts(self.0.data, self.0.size) }
    }
}

impl Drop for Serialized {
    fn drop(&mut self) {
        // SAFETY: without a delegate V8 takes the memory from `realloc`, and leaves freeing it to us; null
        // does nothing.
        unsafe { libc::free(self.0.data.cast()) };
    }
}

/// The buffer grows by doubling: beyond this size what is left over goes back.
const SHRINK_FROM: usize = 1 << 16;

/// Writes a value; `None` where V8 cannot, or cannot be called.
///
/// # Safety
/// On the thread of the current isolate, whose value it is, with its context entered and a handle scope open.
pub(crate) unsafe fn serialize(value: sys::napi_value) -> Option<Serialized> {
    let serializer = serializer()?;
    // SAFETY: the caller's. Each place is made, used and unmade here, in order; it does not move meanwhile,
    // and a `TryCatch` lies on the stack, as it must. Whatever V8 throws stays in it.
    let memory = unsafe {
        let isolate = serializer.current.isolate();
        let (mut catch, mut writer) = (Place::uninit(), Place::uninit());
        (serializer.open_catch)(&mut catch, isolate);
        (serializer.open_writer)(&mut writer, isolate);
        (serializer.write_header)(&mut writer);
        let is_done =
            (serializer.write_value)(&mut writer, serializer.current.context(isolate), value).is_done();
        let memory = is_done.then(|| (serializer.release)(&mut writer));
        (serializer.close_writer)(&mut writer);
        (serializer.close_catch)(&mut catch);
        memory?
    };
    if memory.size < SHRINK_FROM {
        return Some(Serialized(memory));
    }
    // SAFETY: the memory is `realloc`'s, and ours. If it cannot be made smaller it stays as it is.
    let data = unsafe { libc::realloc(memory.data.cast(), memory.size) };
    Some(Serialized(if data.is_null() { memory } else { Memory { data: data.cast(), ..memory } }))
}

/// Makes the value anew; `None` where V8 cannot.
///
/// # Safety
/// As for `serialize`; the value lives in the caller's handle scope.
pub(crate) unsafe fn deserialize(written: &Serialized) -> Option<sys::napi_value> {
    let serializer = serializer()?;
    let bytes = written.bytes();
    // SAFETY: as in `serialize`; V8 reads the bytes, which outlive the reader, and keeps none of them.
    let value = unsafe {
        let isolate = serializer.current.isolate();
        let context = serializer.current.context(isolate);
        let (mut catch, mut reader) = (Place::uninit(), Place::uninit());
        (serializer.open_catch)(&mut catch, isolate);
        (serializer.open_reader)(&mut reader, isolate, bytes.as_ptr(), bytes.len());
        let is_ours = (serializer.read_header)(&mut reader, context).is_done();
        let value = is_ours.then(|| (serializer.read_value)(&mut reader, context));
        (serializer.close_reader)(&mut reader);
        (serializer.close_catch)(&mut catch);
        value
    };
    value.filter(|value| !value.is_null())
}
