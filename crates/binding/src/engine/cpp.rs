//! Calling C++ functions that return an object of a class, such as a `Local`: the one point in which the two
//! ABIs differ for what this package calls.
//!
//! With the Itanium ABI (all systems but Windows) an object that can be copied bit by bit comes back as a C
//! struct of the same members would. With Microsoft's the caller gives the place for it, as a hidden
//! argument: before all others or, for a member function, right after the object. So it is for every class
//! with a constructor, however small, and for whatever class a member function returns. Arguments need no
//! care: both pass a `Local`, which is one pointer, like one.

/// The type of a member function without virtual dispatch that returns a class: of the object, the
/// arguments and what is returned.
#[cfg(not(windows))]
macro_rules! method {
    ($object:ty $(, $argument:ty)* => $class:ty) => {
        unsafe extern "C" fn($object $(, $argument)*) -> $class
    };
}

#[cfg(windows)]
macro_rules! method {
    ($object:ty $(, $argument:ty)* => $class:ty) => {
        unsafe extern "C" fn($object, *mut $class $(, $argument)*) -> *mut $class
    };
}

/// The type of a function without an object that returns a class.
#[cfg(not(windows))]
macro_rules! static_function {
    ($($argument:ty),* => $class:ty) => {
        unsafe extern "C" fn($($argument),*) -> $class
    };
}

#[cfg(windows)]
macro_rules! static_function {
    ($($argument:ty),* => $class:ty) => {
        unsafe extern "C" fn(*mut $class $(, $argument)*) -> *mut $class
    };
}

/// Calls a `method!`. Only inside `unsafe`, where the function's own promises are kept and all bits zero are
/// a value of what is returned, which the function writes.
#[cfg(not(windows))]
macro_rules! call_method {
    ($function:expr, $object:expr $(, $argument:expr)*) => {
        ($function)($object $(, $argument)*)
    };
}

#[cfg(windows)]
macro_rules! call_method {
    ($function:expr, $object:expr $(, $argument:expr)*) => {{
        let mut place = std::mem::MaybeUninit::zeroed();
        ($function)($object, place.as_mut_ptr() $(, $argument)*);
        place.assume_init()
    }};
}

/// Calls a `static_function!`, as `call_method!` a method.
#[cfg(not(windows))]
macro_rules! call_static {
    ($function:expr $(, $argument:expr)*) => {
        ($function)($($argument),*)
    };
}

#[cfg(windows)]
macro_rules! call_static {
    ($function:expr $(, $argument:expr)*) => {{
        let mut place = std::mem::MaybeUninit::zeroed();
        ($function)(place.as_mut_ptr() $(, $argument)*);
        place.assume_init()
    }};
}

pub(crate) use {call_method, call_static, method, static_function};
