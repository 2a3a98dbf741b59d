//! The transports of janitor. They send the requests of a cleanup over the network or to ZooKeeper
//! itself, record them, or answer them from a recording. This crate does not depend on the
//! component.
//!
//! | module | contents |
//! | --- | --- |
//! | [`exchange`] | the interface of all transports |
//! | [`network`] | the transport over the network, and its settings |
//! | `client`, `connect`, `live` | the only HTTP client, and its connections; the exchanges with the servers of a cluster |
//! | [`turns`] | the limit of exchanges in progress at once, over many runs |
//! | [`proxy`], [`tls`], [`timeouts`] | the client's settings |
//! | [`credentials`], [`secret`] | the credentials of the servers |
//! | `login`, `echo` | with the feature `login`: logs in to DC/OS; detects secrets that a server repeats |
//! | `zookeeper` | with the feature `zookeeper`: carries out requests for Exhibitor in ZooKeeper itself, and finds the leading master there |
//! | `recording` | with the feature `record`: writes and plays recordings |
//! | [`cancellation`] | cooperative cancellation |
//!
//! ```no_run
//! use janitor_contract::Endpoints;
//! use janitor_transport::{Basic, Credential, Credentials, Network};
//!
//! let principal = Credential::Basic(Basic::new(b"janitor-principal:secret")?);
//! let network = Network::builder(Endpoints::default())
//!     .credentials(Credentials { master: principal, ..Credentials::default() })
//!     .no_proxy()
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_debug_implementations)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cancellation;
mod client;
mod connect;
pub mod credentials;
#[cfg(feature = "login")]
mod echo;
pub mod exchange;
mod live;
#[cfg(feature = "login")]
pub mod login;
pub mod network;
pub mod proxy;
#[cfg(feature = "record")]
pub mod recording;
pub mod secret;
pub mod timeouts;
pub mod tls;
pub mod turns;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;

pub use cancellation::CancellationToken;
pub use credentials::{Credential, Credentials};
pub use exchange::{Body, Exchange, Request, Response, RunStart, Transport};
#[cfg(feature = "login")]
pub use login::{AccountError, Login, LoginError};
pub use network::{Network, NetworkBuilder, NetworkError};
pub use proxy::{ProxyError, ProxyFault, ProxySettings};
#[cfg(feature = "record")]
pub use recording::{Recording, Replay};
pub use secret::{Basic, Token, TokenError, UserError, ZooKeeperLogin};
pub use timeouts::Timeouts;
pub use tls::{Tls, TlsError, TrustFault};
pub use turns::Turns;
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeperLimits;
