//! The interface between a host and a component of janitor: the types of `wit/`, and everything
//! about them that both sides and their callers must treat alike.
//!
//! | module | contents |
//! | --- | --- |
//! | [`types`] | the types of `wit/types.wit`, generated |
//! | [`call`], [`outcome`] | the calls of a component, and their results |
//! | [`violation`] | the errors of a component that breaks its contract |
//! | [`endpoint`], [`ensemble`] | the URLs of the servers; the addresses of ZooKeeper, where there is no Exhibitor |
//! | [`master_group`], [`likely`] | the masters that elect their leader in ZooKeeper; the URL that was probably meant by an invalid one |
//! | [`request`], [`answer`] | the text form of a request, and the checks of a response |
//! | [`imports`] | the interfaces that a component may import |
//! | [`planned`] | the consistency of a plan, and the effect of options on it |
//! | [`labels`] | the labels that select reservations, and those that name a framework |
//! | [`names`] | the names that services give to what they own |
//! | [`changes`] | the changes in a cluster since a plan was made |
//! | [`describe`] | readable descriptions of resources, agents and frameworks |
//! | `strict`, `json` | with the feature `documents`: reads and writes this project's documents |
//! | [`printable`] | makes texts safe for a terminal |
//! | [`panics`] | logs the panics of a component |
//! | [`token`] | validates tokens, whatever their source |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod answer;
pub mod call;
pub mod changes;
pub mod describe;
pub mod endpoint;
pub mod ensemble;
pub mod imports;
#[cfg(feature = "documents")]
pub mod json;
pub mod labels;
pub mod likely;
pub mod master_group;
pub mod names;
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
pub use master_group::MasterGroup;
pub use outcome::{Done, RunError};
pub use token::TokenError;
pub use violation::Violation;
