//! Runs the janitor component: the library behind the `janitor` binary, for
//! tools that clean up after DC/OS and Mesos services themselves.
//!
//! The component holds all knowledge about a cleanup and can do nothing by
//! itself. This crate gives it what `wit/` asks for: HTTP to three named
//! endpoints, and a log. A request passes, in this order, the policy, the
//! budget, the recorder, the credentials, the network.
//!
//! ```no_run
//! use janitor_host::{
//!     Credentials, Entry, Janitor, Level, Live, NetworkLimits, Options, Session, Target, Tls,
//! };
//!
//! let target = Target {
//!     role: Some("cassandra_role".into()),
//!     znode: Some("cassandra".into()),
//!     ..Target::NOTHING
//! };
//! let live = Live::new(&NetworkLimits::default(), &Tls::default(), Credentials::default());
//! let session = Session::new(live).with_log(|entry: &Entry| {
//!     if entry.level != Level::Debug {
//!         println!("{}", entry.message);
//!     }
//! });
//! let report = Janitor::new()?.clean(target, &Options::DEFAULT, session)?;
//! println!("{} phases are confirmed", report.confirmed.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/embedded.rs` is a whole program: in an async runtime, with a [`Transport`]
//! of its own, with events, and with an end to its patience.
//! What of this crate is a promise, and how it changes, is in `docs/versions.md`.
//!
//! [`Transport`]: janitor_transport::Transport
//!
//! With the feature `jit`, which brings a compiler along, `Janitor::from_component`
//! takes another component than the embedded one.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`mod@janitor`] | one run of the component, from instantiation to its end |
//! | [`http`], [`log`] | the component's two imports, name for name as in `wit/` |
//! | `wasi` | what is left of WASI |
//! | `state` | what belongs to one run |
//! | [`limits`] | how much of everything a run may use |
//! | `component`, `engine` | the embedded component, and how it is run |
//! | `bindings` | the functions of `wit/`, as Rust |
//!
//! What is asked of a component and what it returns is in `janitor-contract`, which requests
//! it may send in `janitor-policy`, and how they travel in `janitor-transport`; what of
//! these belongs to this crate's interface is here too, by the same names.

mod bindings;
mod component;
mod engine;
pub mod http;
pub mod janitor;
pub mod limits;
pub mod log;
mod state;
mod wasi;

pub use component::DIGEST;
#[cfg(feature = "jit")]
pub use component::digest;
pub use janitor::{Janitor, Session};
pub use janitor_contract::imports::PACKAGE;
pub use janitor_contract::types::{
    CleanupPlan, Entry, Event, Failure, InUse, Inventory, Level, Options, Reason, Report, Target,
};
pub use janitor_contract::{Call, Done, Endpoints, NoToken, RunError, Violation};
pub use janitor_transport::{
    Basic, Credential, Credentials, Digest, Live, Login, LoginError, NetworkLimits, Stop, Tls,
    Token, ZooKeeper,
};
pub use limits::Limits;
