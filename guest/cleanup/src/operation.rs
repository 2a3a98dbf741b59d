//! One operation on all agents.

pub mod operate;
pub mod request;
pub mod round;
