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
//!     Credentials, Entry, Janitor, Level, Limits, Live, Options, Session, Target, Tls,
//! };
//!
//! let target = Target {
//!     role: Some("cassandra_role".into()),
//!     znode: Some("cassandra".into()),
//!     ..Target::NOTHING
//! };
//! let live = Live::new(&Limits::default(), &Tls::default(), Credentials::default());
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
//! [`Transport`]: transport::Transport
//!
//! With the feature `jit`, which brings a compiler along, `Janitor::from_component`
//! takes another component than the embedded one.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`call`] | what a component can be asked to do |
//! | [`cleanup`] | one run of the component, from instantiation to its end |
//! | [`http`], [`log`] | the component's two imports, name for name as in `wit/` |
//! | `imports` | what a component may import |
//! | `wasi` | what is left of WASI |
//! | `state` | what belongs to one run |
//! | `strict` | how documents of another version of this crate are read |
//! | [`stop`] | the wish to end it |
//! | `violation` | how a run ends when the component misbehaves |
//! | [`policy`], `scope` | which requests are allowed, and what they may remove |
//! | `listed`, `objects` | which resources the master itself has listed |
//! | `users` | which frameworks the master itself shows as users of the role |
//! | [`limits`] | how much of everything a run may use |
//! | `request`, `answer` | how a request is written, and what an answer is |
//! | [`endpoint`] | where the servers are |
//! | [`ensemble`] | where ZooKeeper is, when there is no Exhibitor |
//! | [`transport`] | how requests travel: live, recorded or replayed |
//! | [`credentials`], [`tls`] | how the host authenticates, and whom it trusts |
//! | `token` | what a token is, wherever it comes from |
//! | `echo` | how a secret is found in what a server answers |
//! | [`proxy`] | through which proxy requests go |
//! | [`outcome`], [`exit`] | what came of a run, and the exit codes of the binary |
//! | [`output`], [`plan_file`], [`schemas`] | what is written for programs |
//! | [`json`], [`printable`], [`file`](mod@file) | how that is written, how texts are shown, and how a file takes its place or is read |
//! | [`planned`], [`entries`] | what a plan says by itself, and what is reserved, for people: the component's own files |
//! | [`bindings`] | the contract of `wit/`, as Rust types |

mod answer;
pub mod bindings;
pub mod call;
pub mod cleanup;
mod component;
pub mod credentials;
mod echo;
pub mod endpoint;
mod engine;
pub mod ensemble;
#[path = "../../guest/src/entries.rs"]
pub mod entries;
pub mod exit;
pub mod file;
pub mod http;
mod imports;
pub mod json;
pub mod limits;
mod listed;
pub mod log;
mod objects;
pub mod outcome;
pub mod output;
pub mod plan_file;
#[path = "../../guest/src/planned.rs"]
pub mod planned;
pub mod policy;
pub mod printable;
pub mod proxy;
mod request;
pub mod schemas;
mod scope;
mod state;
pub mod stop;
mod strict;
pub mod tls;
mod token;
pub mod transport;
mod users;
mod violation;
mod wasi;

pub use bindings::cleanup::{
    CleanupPlan, Failure, InUse, Inventory, Options, Reason, Report, Target,
};
pub use bindings::log::{Entry, Event, Level};
pub use call::Call;
pub use cleanup::{Janitor, Session};
#[cfg(feature = "jit")]
pub use component::digest;
pub use component::{DIGEST, PACKAGE};
pub use credentials::{Basic, Credential, Credentials, Digest, Login, LoginError, NoToken, Token};
pub use endpoint::Endpoints;
pub use exit::ExitCode;
pub use limits::Limits;
pub use outcome::{Done, RunError};
pub use stop::Stop;
pub use tls::Tls;
pub use transport::live::Live;
pub use transport::zookeeper::ZooKeeper;
pub use violation::Violation;
