//! Numbers that stand in both languages. Each is typed once, in Rust, beside its use: `shared_numbers!` and
//! `shared_enum!` declare the numbers of one [`Family`]. calls/seam.rs lists the families; from its text the
//! build writes lib/addon/seam.ts, and lib/addon/drift.ts compares the two at load.

/// Numbers that belong together.
pub(crate) struct Family {
    /// What their names in TypeScript begin with; nothing if those in Rust say it all.
    pub(crate) prefix: &'static str,
    /// Where they are declared.
    pub(crate) file: &'static str,
    /// By their names in Rust.
    pub(crate) numbers: &'static [(&'static str, f64)],
}

/// Declares constants of one type, and the family of them:
/// `shared_numbers! { pub(crate) FAMILY = "PREFIX": u32 { NAME = 1, … } }`.
macro_rules! shared_numbers {
    ($(#[$meta:meta])* $visibility:vis $family:ident = $prefix:literal: $type:ty {
        $($(#[$note:meta])* $name:ident = $number:expr),* $(,)?
    }) => {
        $($(#[$note])* $visibility const $name: $type = $number;)*

        $(#[$meta])*
        pub(crate) const $family: $crate::js::Family = $crate::js::Family {
            prefix: $prefix,
            file: file!(),
            numbers: &[$((stringify!($name), $name as f64)),*],
        };
    };
}

/// Declares an enum without fields, the family of its numbers as `SHARED`, and the way back from a number:
/// `shared_enum! { pub(crate) enum Name = "PREFIX": i32 { Variant = 1, … } }`.
macro_rules! shared_enum {
    ($(#[$meta:meta])* $visibility:vis enum $enum:ident = $prefix:literal: $type:ident {
        $($(#[$note:meta])* $variant:ident = $number:literal),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr($type)]
        $visibility enum $enum {
            $($(#[$note])* $variant = $number),*
        }

        #[allow(dead_code, reason = "most enums only go to TypeScript, some only come from there")]
        impl $enum {
            pub(crate) const SHARED: $crate::js::Family = $crate::js::Family {
                prefix: $prefix,
                file: file!(),
                numbers: &[$((stringify!($variant), $number as f64)),*],
            };

            pub(crate) fn from_number(number: $type) -> Option<$enum> {
                match number {
                    $($number => Some($enum::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use {shared_enum, shared_numbers};
