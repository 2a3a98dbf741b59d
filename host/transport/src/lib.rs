//! The transports of janitor: requests of a cleanup travel over the network, to ZooKeeper itself, into a
//! recording, or out of one. Nothing in here knows the component.
//!
//! | module | contents |
//! | --- | --- |
//! | [`exchange`] | the interface of all transports |
//! | [`network`] | the transport over the network, and its settings |
//! | `client`, `live` | one HTTP client; the requests to the servers of a cluster |
//! | [`proxy`], [`tls`], [`timeouts`] | the client's settings |
//! | [`credentials`], [`secret`] | the credentials of the servers |
//! | `login`, `echo` | with the feature `login`: the login to DC/OS; secrets that a server repeats |
//! | `zookeeper` | with the feature `zookeeper`: the requests that Exhibitor would answer, to ZooKeeper itself |
//! | `recording` | with the feature `record`: recordings, written and played |
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
pub use secret::{Basic, NoToken, NoUser, Token, ZooKeeperLogin};
pub use timeouts::Timeouts;
pub use tls::{Tls, TlsError};
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeperLimits;
