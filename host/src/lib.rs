//! Runs the janitor component: the library behind the `janitor` command, for tools that clean up
//! after DC/OS and Mesos services themselves.
//!
//! The component contains all the logic of a cleanup and can do nothing by itself. This crate
//! provides what `wit/` requires: HTTP to named endpoints, and a log. A request passes, in this
//! order, the policy, the budget, the recorder, the credentials and the network.
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
//! let report = Janitor::new()?.clean(&target, &Options::DEFAULT, session)?;
//! println!("{} phases are confirmed", report.confirmed.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Transport`] sends the requests in another way, or none at all, such as this one for a tool
//! that keeps every znode and every Marathon app:
//!
//! ```
//! use std::time::Duration;
//!
//! use janitor_host::{
//!     Endpoints, Error, Exchange, Method, Request, Response, RunStart, Transport,
//! };
//!
//! struct WithoutDeletions<T>(T);
//!
//! impl<T: Transport> Transport for WithoutDeletions<T> {
//!     fn endpoints(&self) -> Option<&Endpoints> {
//!         self.0.endpoints()
//!     }
//!
//!     fn begin(&mut self, run: &RunStart) {
//!         self.0.begin(run);
//!     }
//!
//!     fn send(&mut self, request: Request) -> Box<dyn Exchange> {
//!         match request.method {
//!             Method::Delete => Box::new(NotSent),
//!             Method::Get | Method::Post => self.0.send(request),
//!         }
//!     }
//!
//!     fn pause(&mut self, duration: Duration) {
//!         self.0.pause(duration);
//!     }
//!
//!     fn elapsed(&mut self, real: Duration) -> Duration {
//!         self.0.elapsed(real)
//!     }
//! }
//!
//! struct NotSent;
//!
//! impl Exchange for NotSent {
//!     fn finish(self: Box<Self>) -> Result<Response, Error> {
//!         Err(Error::Internal("this tool deletes nothing".into()))
//!     }
//! }
//! ```
//!
//! `examples/embedded.rs` is a complete program: it runs in an async runtime, with its own
//! [`Transport`], handles events, and cancels the run after a timeout. `docs/versions.md` says
//! which parts of this crate are stable, and how they change.
//!
//! | feature | effect |
//! | --- | --- |
//! | `async` | runs the component without a thread: `Janitor::clean_async` and its siblings are futures, over a blocking or an async transport |
//! | `zookeeper` | a [`Network`] connects to ZooKeeper directly, if a `zk://` URL stands in place of Exhibitor's |
//! | `record` | records and replays runs |
//! | `login` | a [`Network`] logs in to DC/OS |
//! | `jit` | adds a compiler: `Janitor::from_component` loads another component than the embedded one, and `Janitor::precompile` compiles one |
//!
//! The calls and results of a component come from `janitor-contract`, and the transports from
//! `janitor-transport`. The items of these crates that belong to this crate's interface are
//! re-exported here under the same names. The requests that a component may send are in
//! `janitor-policy`.

// | module | contents |
// | --- | --- |
// | `janitor` | the loaded component, and its calls |
// | `run` | one run of the component: the parts that its blocking and its async form share |
// | `nonblocking` | with the feature `async`: the calls as futures |
// | `carrier` | a transport in the form that a run uses |
// | `session` | everything that a host supplies for one run |
// | `cluster`, `log` | the component's two imports, name for name as in `wit/` |
// | `held` | the resources that the component holds |
// | `wasi` | the empty remainder of WASI |
// | `state` | the state of one run |
// | `limits` | the limits of a run |
// | `component`, `engine` | the embedded component, and the engine's configuration |
// | `bindings` | the functions of `wit/`, as Rust |

#![deny(missing_debug_implementations)]

mod bindings;
mod carrier;
mod cluster;
mod component;
mod engine;
mod held;
mod janitor;
mod limits;
mod log;
#[cfg(feature = "async")]
mod nonblocking;
mod run;
mod session;
mod state;
mod wasi;

#[cfg(feature = "async")]
pub use bytes::Bytes;
pub use component::DIGEST;
#[cfg(feature = "jit")]
pub use component::digest;
#[cfg(feature = "async")]
pub use futures_util::future::BoxFuture;
pub use janitor::{Janitor, LoadError};
pub use janitor_contract::imports::PACKAGE;
pub use janitor_contract::request::Server;
pub use janitor_contract::types::{
    AgentHolding, AgentLeft, AgentOutcome, AgentPlan, AgentResult, Amount, AppOutcome, AppResult,
    CleanupPlan, Content, Elsewhere, Endpoint, Entry, Error, Event, Failure, Fate, Framework,
    Holding, InUse, Inventory, Label, Level, Method, Options, Phase, PhaseStart, Planned,
    ReadFailure, Reason, Refusal, Report, Reserved, SkipReason, Skipped, Target, Unreached,
    UnreachedReason, Volume, Warning, ZnodeOutcome, ZnodeResult, ZnodeState,
};
pub use janitor_contract::{
    Call, Done, EndpointError, Endpoints, Ensemble, EnsembleError, MasterGroup, RunError,
    TokenError, UrlFault, Violation,
};
#[cfg(feature = "zookeeper")]
pub use janitor_transport::ZooKeeperLimits;
#[cfg(feature = "record")]
pub use janitor_transport::recording::{HarError, Recording, Replay, Run as RecordedRun, RunFault};
#[cfg(feature = "login")]
pub use janitor_transport::{AccountError, Login, LoginError};
pub use janitor_transport::{
    Basic, Body, CancellationToken, Credential, Credentials, Exchange, Network, NetworkBuilder,
    NetworkError, ProxyError, ProxyFault, ProxySettings, Request, Response, RunStart, Timeouts,
    Tls, TlsError, Token, Transport, Turns, UserError, ZooKeeperLogin,
};
pub use limits::Limits;
#[cfg(feature = "async")]
pub use nonblocking::{AsyncResponse, AsyncSession, AsyncTransport, EitherTransport};
pub use session::{Log, Session};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
