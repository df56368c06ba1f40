//! What the loader of Linux does not say about a file, read from its ELF header before the loader sees it:
//! for a library made for another processor it says that there is no such file, and one that is cut off it
//! maps as if it were whole, which ends the process with SIGBUS at the first byte that is missing.
//!
//! Nothing here decides that a file is a library. What is no ELF file, or a strange one, is left to the
//! loader.

use std::env::consts::ARCH;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: &[u8] = b"\x7fELF";
/// Up to and with `e_machine`, which has the same place in every class.
const SHORT_HEADER: usize = 20;
const HEADER: usize = 64;
const SEGMENT: usize = 56;
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const LOADED: u32 = 1;

/// `e_machine` of processors, named as Rust does.
const MACHINES: &[(u16, &str)] = &[
    (3, "x86"),
    (8, "mips"),
    (21, "powerpc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv64"),
    (258, "loongarch64"),
];

/// Why the file cannot be loaded, if that is seen here.
pub(super) fn fault(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    fault_in(length, |bytes, offset| file.read_exact_at(bytes, offset))
}

/// The same, for anything that `read` fills bytes from, at an offset.
fn fault_in(length: u64, read: impl Fn(&mut [u8], u64) -> io::Result<()>) -> Option<String> {
    let cut_off = || Some("it is cut off".to_owned());
    let mut header = [0; HEADER];
    let there = HEADER.min(usize::try_from(length).unwrap_or(HEADER));
    read(&mut header[..there], 0).ok()?;
    if !header.starts_with(MAGIC) {
        return None;
    }
    if there < SHORT_HEADER {
        return cut_off();
    }
    let (class, order) = (header[4], header[5]);
    if !matches!((class, order), (1 | 2, 1 | 2)) {
        return None;
    }
    let machine = [header[18], header[19]];
    let machine =
        if order == LITTLE_ENDIAN { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    if !is_ours(class, order, machine) {
        let name = MACHINES.iter().find(|(number, _)| *number == machine).map_or("unknown", |(_, name)| name);
        let bits = if class == CLASS_64 { 64 } else { 32 };
        return Some(format!("it is made for another processor ({name}, {bits} bits; this is {ARCH})"));
    }
    if class != CLASS_64 {
        return None; // no system of ours; the loader has the word
    }
    if there < HEADER {
        return cut_off();
    }
    let (offset, size, count) = (word(&header, 32), half(&header, 54), half(&header, 56));
    if usize::from(size) != SEGMENT {
        return None;
    }
    // Both are 16 bits, so the table has less than 4 MB.
    let table = usize::from(size) * usize::from(count);
    if ends_beyond(offset, table as u64, length) {
        return cut_off();
    }
    let mut segments = vec![0; table];
    read(&mut segments, offset).ok()?;
    let (segments, _) = segments.as_chunks::<SEGMENT>();
    let is_short = |segment: &[u8; SEGMENT]| {
        let kind = u32::from_ne_bytes([segment[0], segment[1], segment[2], segment[3]]);
        let (offset, in_file) = (word(segment, 8), word(segment, 32));
        kind == LOADED && in_file > 0 && ends_beyond(offset, in_file, length)
    };
    if segments.iter().any(is_short) { cut_off() } else { None }
}

/// Whether this process can run such code. Where the processor that this was built for has no number here,
/// all have it.
fn is_ours(class: u8, order: u8, machine: u16) -> bool {
    let our_class = if cfg!(target_pointer_width = "64") { CLASS_64 } else { 1 };
    let our_order = if cfg!(target_endian = "little") { LITTLE_ENDIAN } else { 2 };
    let ours = MACHINES.iter().find(|(_, name)| *name == ARCH);
    class == our_class && order == our_order && ours.is_none_or(|(number, _)| *number == machine)
}

fn ends_beyond(offset: u64, length: u64, end: u64) -> bool {
    offset.checked_add(length).is_none_or(|last| last > end)
}

/// A field of 64 bits. The byte order is our own: other files have been refused before.
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_ne_bytes(word)
}

/// A field of 16 bits.
fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    fn fault_of(file: &[u8]) -> Option<String> {
        fault_in(file.len() as u64, |bytes, offset| {
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let end = start.checked_add(bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes.copy_from_slice(file.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    /// A file for this processor: a header, two segments, and what they hold.
    fn whole() -> Vec<u8> {
        let mut file = vec![0; HEADER + 2 * SEGMENT + 100];
        file[..4].copy_from_slice(MAGIC);
        file[4] = CLASS_64;
        file[5] = if cfg!(target_endian = "little") { 1 } else { 2 };
        let ours = MACHINES.iter().find(|(_, name)| *name == ARCH).map_or(0, |(number, _)| *number);
        file[18..20].copy_from_slice(&ours.to_ne_bytes());
        file[32..40].copy_from_slice(&(HEADER as u64).to_ne_bytes());
        file[54..56].copy_from_slice(&(SEGMENT as u16).to_ne_bytes());
        file[56..58].copy_from_slice(&2_u16.to_ne_bytes());
        let length = file.len() as u64;
        for (number, (start, bytes)) in [(0, length - 50), (length - 50, 50)].into_iter().enumerate() {
            let at = HEADER + number * SEGMENT;
            file[at..at + 4].copy_from_slice(&LOADED.to_ne_bytes());
            file[at + 8..at + 16].copy_from_slice(&u64::to_ne_bytes(start));
            file[at + 32..at + 40].copy_from_slice(&u64::to_ne_bytes(bytes));
        }
        file
    }

    #[test]
    fn a_file_that_lacks_a_byte_of_a_segment_is_cut_off() {
        let file = whole();
        assert_eq!(fault_of(&file), None);
        for length in 4..file.len() {
            assert_eq!(fault_of(&file[..length]).as_deref(), Some("it is cut off"), "{length} bytes");
        }
        for length in 0..4 {
            assert_eq!(fault_of(&file[..length]), None, "{length} bytes");
        }
        assert_eq!(fault(&std::env::current_exe().unwrap()), None);
    }

    #[test]
    fn a_segment_without_bytes_in_the_file_lacks_none() {
        let mut file = whole();
        let second = HEADER + SEGMENT;
        file[second + 8..second + 16].fill(0xff);
        assert!(fault_of(&file).is_some());
        file[second + 32..second + 40].fill(0);
        assert_eq!(fault_of(&file), None);
    }

    #[test]
    fn files_for_other_processors_are_told_apart() {
        let with = |at: usize, bytes: &[u8]| {
            let mut file = whole();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            fault_of(&file)
        };
        let (other, name) = if ARCH == "aarch64" { (62_u16, "x86_64") } else { (183, "aarch64") };
        let said = with(18, &other.to_ne_bytes()).unwrap();
        assert!(said.starts_with(&format!("it is made for another processor ({name}, 64 bits")), "{said}");
        assert!(with(18, &[0xfe, 0xfe]).unwrap().contains("unknown"));
        assert!(with(4, &[1]).unwrap().contains("32 bits"));
        assert!(with(5, &[3 - whole()[5]]).unwrap().contains("another processor"));
        // What no file has is the loader's affair.
        for (at, byte) in [(0, b'x'), (4, 0), (4, 3), (5, 0), (5, 9), (54, 55)] {
            assert_eq!(with(at, &[byte]), None, "{byte} at {at}");
        }
    }

    #[test]
    fn whatever_the_bytes_are_there_is_an_answer() {
        let mut state = 7_u64;
        let mut random = || {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
        };
        let sound = whole();
        for _ in 0..200_000 {
            let mut file = sound.clone();
            for _ in 0..1 + random() % 6 {
                // Most of it where the numbers are.
                let at = 4 + random() as usize % (file.len() - 4);
                file[at] = [0, 1, 0x7f, 0xff, random() as u8][random() as usize % 5];
            }
            file.truncate(file.len() - (random() as usize % (2 * file.len())).min(file.len()));
            let _ = fault_of(&file);
        }
    }
}
