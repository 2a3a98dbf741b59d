//! How requests travel: over the network, to ZooKeeper itself, into a recording, or out of
//! one. Nothing in here knows the component.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`exchange`] | what all of these have in common |
//! | [`live`], [`proxy`], [`tls`] | HTTP and HTTPS; through which proxy; whom the host trusts |
//! | [`credentials`], `echo` | how the host authenticates; how a secret is found in what a server answers |
//! | [`zookeeper`] | the requests that Exhibitor would answer, to ZooKeeper itself |
//! | [`recording`] | recordings, written and played |
//! | [`limits`], [`stop`] | how much all of these may use; the wish to end a run |
//! | [`file`](mod@file) | how a file takes its place, or is read |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod login;
mod echo;
pub mod exchange;
pub mod file;
pub mod timeouts;
pub mod live;
pub mod proxy;
pub mod recording;
pub mod cancellation;
pub mod tls;
pub mod zookeeper;

pub use login::{Basic, Credential, Credentials, Digest, Login, LoginError, Token};
pub use exchange::{Body, Exchange, Request, Response, Transport};
pub use timeouts::NetworkLimits;
pub use live::Live;
pub use cancellation::Stop;
pub use tls::Tls;
pub use zookeeper::ZooKeeper;
