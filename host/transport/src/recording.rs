//! Recordings: what they hold, how they are written, and how they are played.

pub mod har;
pub mod read;
mod scrub;
pub mod write;

pub use har::{Har, Run};
pub use read::Replay;
pub use write::Recording;
