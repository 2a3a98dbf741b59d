//! What is fuzzed: one function a target. Each gets bytes that anybody may have made,
//! and panics when something is not as it must be.
//!
//! The guest is an ordinary dependency. The host's modules that read and judge are
//! compiled from their own files, because the library around them is an engine for
//! WebAssembly, which takes minutes to build.
//!
//! | to do | command |
//! | --- | --- |
//! | run a target | `cargo +nightly fuzz run agents` |
//! | run what is kept | `cargo +nightly fuzz run agents -- -runs=0` |

// The host's files know the library around them by this name.
extern crate self as janitor_host;

pub mod answers;
pub mod bindings;
#[path = "../../host/src/call.rs"]
pub mod call;
#[allow(dead_code)]
#[path = "../../host/src/endpoint.rs"]
pub mod endpoint;
#[path = "../../host/src/ensemble.rs"]
pub mod ensemble;
#[allow(dead_code)]
#[path = "../../host/src/file.rs"]
mod file;
mod forms;
#[allow(dead_code)]
#[path = "../../host/src/json.rs"]
mod json;
#[allow(dead_code)]
#[path = "../../host/src/transport/zookeeper/jute.rs"]
mod jute;
#[path = "../../host/src/listed.rs"]
mod listed;
mod names;
#[path = "../../host/src/objects.rs"]
mod objects;
#[path = "../../host/src/plan_file.rs"]
pub mod plan_file;
#[allow(dead_code)]
#[path = "../../guest/src/planned.rs"]
pub mod planned;
#[path = "../../host/src/policy.rs"]
pub mod policy;
#[allow(dead_code)]
#[path = "../../host/src/printable.rs"]
mod printable;
mod read;
#[path = "../../host/src/request.rs"]
mod request;
#[path = "../../host/src/scope.rs"]
mod scope;
#[path = "../../host/src/bin/janitor/service.rs"]
pub mod service;
#[path = "../../host/src/strict.rs"]
mod strict;
#[allow(dead_code)]
pub mod transport;
#[path = "../../host/src/users.rs"]
mod users;

pub use bindings::cleanup::Target;

pub use answers::{agents, exhibitor, frameworks, marathon, operations};
pub use forms::scope;
pub use names::{service, urls, znode};
pub use read::{children, har, plan_file};
