//! The Mesos master's answers.

pub mod absent;
pub mod agents;
pub mod frameworks;
pub mod json;
pub mod leader;
pub mod metrics;
pub mod pending;
pub mod resource;
