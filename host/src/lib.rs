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
//!     Endpoints, Entry, Janitor, Level, Network, Options, Session, Target,
//! };
//!
//! let target = Target {
//!     role: Some("cassandra_role".into()),
//!     znode: Some("cassandra".into()),
//!     ..Target::NOTHING
//! };
//! let network = Network::builder(Endpoints::default()).build()?;
//! let session = Session::new(network).with_log(|entry: &Entry| {
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
//! `docs/versions.md` says which part of this crate is a promise, and how it changes.
//!
//! | feature | effect |
//! | --- | --- |
//! | `zookeeper` | a [`Network`] speaks with ZooKeeper itself, where a `zk://` URL stands in place of Exhibitor's |
//! | `record` | runs are recorded and replayed |
//! | `login` | a [`Network`] logs in to DC/OS |
//! | `schemas` | recordings have a JSON Schema |
//! | `jit` | `Janitor::from_component` takes another component than the embedded one, and brings a compiler along |
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
pub use janitor_contract::{
    Call, Done, EndpointError, Endpoints, NoToken, RunError, UrlFault, Violation,
};
#[cfg(feature = "zookeeper")]
pub use janitor_transport::ZooKeeperLimits;
#[cfg(feature = "login")]
pub use janitor_transport::{AccountError, Login, LoginError};
pub use janitor_transport::{
    Basic, Body, CancellationToken, Credential, Credentials, Exchange, Network, NetworkBuilder,
    NetworkError, NoUser, ProxyError, ProxyFault, ProxySettings, Request, Response, RunStart,
    Timeouts, Tls, TlsError, Token, Transport, ZooKeeperLogin,
};
#[cfg(feature = "record")]
pub use janitor_transport::{Recording, Replay};
pub use limits::Limits;
