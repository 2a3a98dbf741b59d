//! The fuzz targets, one function each. They receive arbitrary bytes, and panic if an invariant is
//! violated.
//!
//! | task | command |
//! | --- | --- |
//! | run a target | `cargo +nightly fuzz run --fuzz-dir . agents` |
//! | run the corpus | `cargo +nightly fuzz run --fuzz-dir . agents -- -runs=0` |

pub mod answers;
mod forms;
mod names;
mod read;

pub use answers::{agents, exhibitor, frameworks, marathon, operations};
pub use forms::scope;
pub use names::{service, urls, znode};
pub use read::{children, har, plan_file};
