//! What is fuzzed: one function a target. Each gets bytes that anybody may have made,
//! and panics when something is not as it must be.
//!
//! | to do | command |
//! | --- | --- |
//! | run a target | `cargo +nightly fuzz run agents` |
//! | run what is kept | `cargo +nightly fuzz run agents -- -runs=0` |

pub mod answers;
mod forms;
mod names;
mod read;

pub use answers::{agents, exhibitor, frameworks, marathon, operations};
pub use forms::scope;
pub use names::{service, urls, znode};
pub use read::{children, har, plan_file};
