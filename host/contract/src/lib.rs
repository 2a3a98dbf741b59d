//! What a host and a component of janitor say to each other: the types of `wit/`, and what
//! both sides, and whoever calls them, have to know of these in the same way.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`types`] | the types of `wit/types.wit`, generated |
//! | [`call`], [`outcome`] | what a component can be asked to do, and what came of it |
//! | [`violation`] | how a run ends when the component misbehaves |
//! | [`endpoint`], [`ensemble`] | where the servers are; where ZooKeeper is, when there is no Exhibitor |
//! | [`request`], [`answer`] | how a request is written, and what an answer is |
//! | [`imports`] | what a component may import |
//! | [`planned`] | what a plan says by itself: whether it contradicts itself |
//! | [`describe`] | resources, agents and frameworks, described for people |
//! | `strict`, `json` | with the feature `documents`: how documents of this project are read, and how they are written |
//! | [`printable`] | how texts of a server are shown |
//! | [`panics`] | the last words of a component |
//! | [`token`] | what a token is, wherever it comes from |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod answer;
pub mod call;
pub mod describe;
pub mod endpoint;
pub mod ensemble;
pub mod imports;
#[cfg(feature = "documents")]
pub mod json;
pub mod outcome;
pub mod panics;
pub mod planned;
pub mod printable;
pub mod request;
#[cfg(feature = "documents")]
pub mod strict;
pub mod token;
pub mod types;
pub mod violation;

pub use call::Call;
pub use endpoint::{EndpointError, Endpoints, UrlFault};
pub use ensemble::{Ensemble, EnsembleError};
pub use outcome::{Done, RunError};
pub use token::NoToken;
pub use violation::Violation;
