//! V8's serializer, called directly: what `node:v8` offers of it costs a buffer object on each side and a
//! call into JavaScript for each value. It writes what lib/values/v8/safe.ts has found that it carries as
//! `structuredClone` does.
//!
//! Both classes hold one pointer, to what they are made of. Without a delegate they throw on objects of the
//! host and on shared memory. What is written has the format of `v8.Serializer`, so that `v8.Deserializer`
//! can read it, too.

#[cfg(windows)]
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use napi::sys;

use crate::engine::cpp::{call_method, method};
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

/// A `std::pair<uint8_t*, size_t>`, which the Itanium ABI returns in registers.
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
    pub(crate) write_value: method!(*mut Place, Local, sys::napi_value => Maybe),
    pub(crate) release: method!(*mut Place => Memory),
    #[cfg(windows)]
    give_back: unsafe extern "C" fn(*mut c_void, c_int),
    pub(crate) open_reader: unsafe extern "C" fn(*mut Place, *mut Isolate, *const u8, usize),
    pub(crate) close_reader: unsafe extern "C" fn(*mut Place),
    pub(crate) read_header: method!(*mut Place, Local => Maybe),
    pub(crate) read_value: method!(*mut Place, Local => sys::napi_value),
}

impl Serializer {
    fn find(symbols: &Symbols) -> Option<Serializer> {
        // SAFETY: constructors, destructors and members of V8's two classes; see `library` for how they are
        // called.
        unsafe {
            Some(Serializer {
                current: Current::find(symbols)?,
                open_catch: symbols
                    .find_cpp(c"_ZN2v88TryCatchC1EPNS_7IsolateE", c"??0TryCatch@v8@@QEAA@PEAVIsolate@1@@Z")?,
                close_catch: symbols.find_cpp(c"_ZN2v88TryCatchD1Ev", c"??1TryCatch@v8@@QEAA@XZ")?,
                open_writer: symbols.find_cpp(
                    c"_ZN2v815ValueSerializerC1EPNS_7IsolateE",
                    c"??0ValueSerializer@v8@@QEAA@PEAVIsolate@1@@Z",
                )?,
                close_writer: symbols
                    .find_cpp(c"_ZN2v815ValueSerializerD1Ev", c"??1ValueSerializer@v8@@QEAA@XZ")?,
                write_header: symbols.find_cpp(
                    c"_ZN2v815ValueSerializer11WriteHeaderEv",
                    c"?WriteHeader@ValueSerializer@v8@@QEAAXXZ",
                )?,
                write_value: symbols.find_cpp(
                    c"_ZN2v815ValueSerializer10WriteValueENS_5LocalINS_7ContextE\
                    EENS1_INS_5ValueEEE",
                    c"?WriteValue@ValueSerializer@v8@@QEAA?AV?$Maybe@_N@2@V?$Local@VContext@v8@@@2@\
                    V?$Local@VValue@v8@@@2@@Z",
                )?,
                release: symbols.find_cpp(
                    c"_ZN2v815ValueSerializer7ReleaseEv",
                    c"?Release@ValueSerializer@v8@@QEAA?AU?$pair@PEAE_K@std@@XZ",
                )?,
                #[cfg(windows)]
                give_back: symbols.find(c"uv_free_cpu_info")?,
                open_reader: symbols.find_cpp(
                    c"_ZN2v817ValueDeserializerC1EPNS_7IsolateEPKhm",
                    c"??0ValueDeserializer@v8@@QEAA@PEAVIsolate@1@PEBE_K@Z",
                )?,
                close_reader: symbols
                    .find_cpp(c"_ZN2v817ValueDeserializerD1Ev", c"??1ValueDeserializer@v8@@QEAA@XZ")?,
                read_header: symbols.find_cpp(
                    c"_ZN2v817ValueDeserializer10ReadHeaderENS_5LocalINS_7ContextEEE",
                    c"?ReadHeader@ValueDeserializer@v8@@QEAA?AV?$Maybe@_N@2@V?$Local@\
                    VContext@v8@@@2@@Z",
                )?,
                read_value: symbols.find_cpp(
                    c"_ZN2v817ValueDeserializer9ReadValueENS_5LocalINS_7ContextEEE",
                    c"?ReadValue@ValueDeserializer@v8@@QEAA?AV?$MaybeLocal@VValue@v8@@@2@V?$Local@\
                    VContext@v8@@@2@@Z",
                )?,
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
    /// What another process has had V8 write; `None` where there is no memory for it.
    pub(crate) fn copy(bytes: &[u8]) -> Option<Serialized> {
        // SAFETY: any size may be asked for.
        let data = unsafe { libc::malloc(bytes.len().max(1)) }.cast::<u8>();
        if data.is_null() {
            return None;
        }
        // SAFETY: so many bytes were just allocated, which nobody else has.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len()) };
        Some(Serialized(Memory { data, size: bytes.len() }))
    }

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
        // SAFETY: memory of `malloc` or, without a delegate, V8's of `realloc`, which leaves freeing it to
        // us; null does nothing.
        unsafe { libc::free(self.0.data.cast()) };
    }
}

/// The buffer grows by doubling: beyond this size what is left over goes back.
#[cfg(not(windows))]
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
        let context = serializer.current.context(isolate);
        let written: Maybe = call_method!(serializer.write_value, &mut writer, context, value);
        let memory = written.is_done().then(|| call_method!(serializer.release, &mut writer));
        (serializer.close_writer)(&mut writer);
        (serializer.close_catch)(&mut catch);
        memory?
    };
    take(memory, serializer)
}

/// What V8 has released, as our own.
#[cfg(not(windows))]
fn take(memory: Memory, _serializer: &Serializer) -> Option<Serialized> {
    if memory.size < SHRINK_FROM {
        return Some(Serialized(memory));
    }
    // SAFETY: the memory is `realloc`'s, and ours. If it cannot be made smaller it stays as it is.
    let data = unsafe { libc::realloc(memory.data.cast(), memory.size) };
    Some(Serialized(if data.is_null() { memory } else { Memory { data: data.cast(), ..memory } }))
}

/// What V8 has released, as our own: a copy, for Node has a C library of its own here, inside its executable,
/// and its memory goes back to that one only. `give_back` is a function of libuv that frees an array, here
/// of no elements, by that library's `free`.
#[cfg(windows)]
fn take(memory: Memory, serializer: &Serializer) -> Option<Serialized> {
    if memory.data.is_null() {
        return None;
    }
    // SAFETY: V8 has given us so many bytes, and nobody writes to them.
    let copy = Serialized::copy(unsafe { std::slice::from_raw_parts(memory.data, memory.size) });
    // SAFETY: the memory is `realloc`'s of the executable, and ours; nobody looks at it any more.
    unsafe { (serializer.give_back)(memory.data.cast(), 0) };
    copy
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
        let is_ours: Maybe = call_method!(serializer.read_header, &mut reader, context);
        let value = is_ours.is_done().then(|| call_method!(serializer.read_value, &mut reader, context));
        (serializer.close_reader)(&mut reader);
        (serializer.close_catch)(&mut catch);
        value
    };
    value.filter(|value| !value.is_null())
}
