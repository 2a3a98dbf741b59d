//! Recordings: the format, the writer and the player.

mod error;
pub mod har;
pub mod read;
mod scrub;
pub mod write;

pub use error::{EncodingError, HarError, RunFault};
pub use har::{Har, Run};
pub use read::Replay;
pub use write::Recording;
