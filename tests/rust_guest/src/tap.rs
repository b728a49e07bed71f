//! The Test Anything Protocol, without allocation.

use core::fmt::{self, Write};

use crate::runtime::Start;

/// Why a test failed.
pub enum Failure {
    /// A call failed that should not have.
    Error(&'static str, syscall::Error),
    /// A value is not what it should be.
    Value { what: &'static str, found: usize, expected: usize },
    /// Something else does not hold.
    Not(&'static str),
}

pub type Outcome = Result<(), Failure>;
pub type Case = (&'static str, fn(&Start) -> Outcome);

/// Names the call whose error ends a test: `read(…).named("read")?`.
pub trait Named<T> {
    fn named(self, what: &'static str) -> Result<T, Failure>;
}

impl<T> Named<T> for syscall::Result<T> {
    fn named(self, what: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure::Error(what, error))
    }
}

pub fn equal(what: &'static str, found: usize, expected: usize) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(Failure::Value { what, found, expected })
    }
}

pub fn holds(what: &'static str, condition: bool) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(Failure::Not(what))
    }
}

/// The call failed, and with this error.
pub fn fails(what: &'static str, result: syscall::Result<usize>, errno: i32) -> Outcome {
    match result {
        Err(error) if error.errno == errno => Ok(()),
        Err(error) => Err(Failure::Value { what, found: error.errno as usize, expected: errno as usize }),
        Ok(_) => Err(Failure::Not(what)),
    }
}

/// Runs the cases in order; whether all passed.
pub fn run(start: &Start, cases: &[Case]) -> bool {
    let mut all_passed = true;
    let mut line = Line::default();
    let _ = writeln!(line, "1..{}", cases.len());
    line.flush();
    for (index, (name, case)) in cases.iter().enumerate() {
        let outcome = case(start);
        let _ = match &outcome {
            Ok(()) => writeln!(line, "ok {} - {name}", index + 1),
            Err(failure) => writeln!(line, "not ok {} - {name}: {failure}", index + 1),
        };
        line.flush();
        all_passed &= outcome.is_ok();
    }
    all_passed
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::Error(what, error) => write!(to, "{what}: {} ({error})", error.errno),
            Failure::Value { what, found, expected } => write!(to, "{what} is {found:#x}, not {expected:#x}"),
            Failure::Not(what) => write!(to, "{what} does not hold"),
        }
    }
}

/// One line of output; what does not fit is cut.
struct Line {
    text: [u8; 256],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Line { text: [0; 256], length: 0 }
    }
}

impl Line {
    fn flush(&mut self) {
        let mut rest = &self.text[..self.length];
        while !rest.is_empty() {
            match syscall::write(1, rest) {
                Ok(count) if count > 0 => rest = &rest[count..],
                _ => break,
            }
        }
        self.length = 0;
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let count = text.len().min(self.text.len() - self.length);
        self.text[self.length..self.length + count].copy_from_slice(&text.as_bytes()[..count]);
        self.length += count;
        Ok(())
    }
}
