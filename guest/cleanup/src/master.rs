//! The requests to the Mesos master, and its answers.
//!
//! A list of the master proves nothing about what it lacks, so each list is compared with
//! other pages.

pub mod absent;
pub mod agents;
pub mod answer;
pub mod frameworks;
pub mod json;
pub mod leader;
pub mod metrics;
pub mod pending;
pub mod pings;
pub mod resource;

use crate::host::request;
use janitor_contract::request::FORM;
use janitor_contract::types::{Content, Endpoint, Method, Request};

/// The master's name in messages.
pub const NAME: &str = "the Mesos master";

/// Makes a `POST` of form fields to one of the master's operator endpoints.
pub fn form(path: &str, fields: &[(&str, &str)]) -> Request {
    let bytes = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Request {
        content: Some(Content { media_type: FORM.into(), bytes: bytes.into_bytes() }),
        ..request(Endpoint::Master, Method::Post, vec![path.into()])
    }
}

/// Makes a call of the master's v1 API that changes nothing.
pub fn v1(call: &str) -> Request {
    Request {
        content: Some(Content {
            media_type: "application/json".into(),
            bytes: format!(r#"{{"type":"{call}"}}"#).into_bytes(),
        }),
        ..request(Endpoint::Master, Method::Post, vec!["api".into(), "v1".into()])
    }
}
