//! Where the system has no memory that a child can share and cannot shorten.

/// There are none.
pub enum Marks {}

impl Marks {
    /// How many there are where there are any.
    pub const COUNT: usize = 64;

    /// In a child: those that its parent has made for it.
    pub fn of_parent() -> Option<Marks> {
        None
    }

    /// The parent offers a thing under this number, before it sends it.
    pub fn offer(&self, _number: usize) {
        match *self {}
    }

    /// The child takes it up. False if it was taken back.
    pub fn begin(&self, _number: usize) -> bool {
        match *self {}
    }

    /// The child does now what cannot be undone.
    pub fn call(&self, _number: usize) {
        match *self {}
    }

    /// Whether the child has come so far.
    pub fn is_called(&self, _number: usize) -> bool {
        match *self {}
    }

    /// The parent takes it back. False if the child has begun it.
    pub fn take_back(&self, _number: usize) -> bool {
        match *self {}
    }
}
