//! Systems on which no child can be started yet: the same names, none of which can be made.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Marks;
use crate::command::{Command, Exit};
use crate::part::Part;
use crate::polled::Polled;

pub struct Child(Infallible);

#[derive(Clone)]
pub struct Killer(Infallible);

#[derive(Clone)]
pub struct Channel(Infallible);

pub struct Receiver(Infallible);

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "child processes are not supported on this system yet"))
}

impl Child {
    pub fn spawn(_command: &Command) -> io::Result<(Child, Channel, Receiver)> {
        unsupported()
    }

    pub fn pid(&self) -> u32 {
        match self.0 {}
    }

    pub fn marks(&self) -> Option<Arc<Marks>> {
        match self.0 {}
    }

    pub fn kill(&self) {
        match self.0 {}
    }

    pub fn killer(&self) -> Killer {
        match self.0 {}
    }

    pub fn resident_bytes(&self) -> Option<u64> {
        match self.0 {}
    }

    pub fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        match self.0 {}
    }

    pub fn wait(&mut self) -> io::Result<Exit> {
        match self.0 {}
    }
}

impl Killer {
    pub fn resident_bytes(&self) -> Option<u64> {
        match self.0 {}
    }

    pub fn kill(&self) {
        match self.0 {}
    }
}

impl Channel {
    pub fn of_parent() -> io::Result<(Channel, Receiver)> {
        unsupported()
    }

    pub fn send(&self, _kind: u8, _parts: Vec<Part>) -> bool {
        match self.0 {}
    }

    pub fn wake(&self) {
        match self.0 {}
    }

    pub fn queued(&self) -> usize {
        match self.0 {}
    }

    pub fn flush(&self, _until: Instant) -> bool {
        match self.0 {}
    }

    pub fn send_all(&self, _frames: Vec<(u8, Vec<Part>)>) -> bool {
        match self.0 {}
    }

    pub fn sent(&self) -> u64 {
        match self.0 {}
    }

    pub fn close(&self) {
        match self.0 {}
    }
}

impl Receiver {
    pub fn has_left_unread(&self) -> bool {
        match self.0 {}
    }

    pub fn set_limit(&mut self, _bytes: usize) {
        match self.0 {}
    }

    pub fn set_spin(&mut self, _time: Duration) {
        match self.0 {}
    }

    pub fn poll(&mut self, _child: Option<&Child>, _deadline: Option<Instant>) -> Polled {
        match self.0 {}
    }
}
