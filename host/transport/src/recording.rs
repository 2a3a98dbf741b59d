//! Recordings: their format, and how they are written and played.

pub mod har;
pub mod read;
mod scrub;
pub mod write;

pub use har::{EncodingError, Har, HarError, Run, RunFault};
pub use read::Replay;
pub use write::Recording;
