//! The logic that is tried: the component's own, or a copy of it with faults.

#![allow(unexpected_cfgs, missing_docs, dead_code, reason = "the copy's own crate has these")]

use std::time::Duration;

use janitor_contract::types::{Entry, Error, Failure, Options, Report, Request, Target};

use crate::trial::{Body, Trial};
use crate::world::Given;

include!(concat!(env!("OUT_DIR"), "/broken.rs"));

/// Which logic is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// The component's own.
    Own,
    /// The copy.
    Broken,
}

impl Logic {
    /// Cleans a target.
    pub fn clean(
        self,
        trial: &mut Trial,
        target: &Target,
        options: &Options,
    ) -> Result<Report, Failure> {
        match self {
            Self::Own => janitor_guest::clean(trial, target, options),
            Self::Broken => broken::clean(trial, target, options),
        }
    }
}

/// Makes a search the surroundings of a logic, and the body of an answer one of its responses.
macro_rules! surround {
    ($host:path, $response:path) => {
        impl $host for Trial<'_> {
            type Exchange = Given;
            type Response = Body;

            fn send(&mut self, request: &Request) -> Result<Given, Error> {
                self.sent(request)
            }

            fn finish(&mut self, given: Given) -> Result<Body, Error> {
                given.body()
            }

            fn window(&mut self) -> usize {
                2
            }

            fn pause(&mut self, duration: Duration) -> bool {
                self.paused(duration)
            }

            fn elapsed(&mut self) -> Duration {
                self.elapsed
            }

            fn agents_per_request(&self) -> usize {
                self.setting.agents_per_request
            }

            fn log(&mut self, _: Entry) {}
        }

        impl $response for Body {
            fn status(&self) -> u16 {
                self.status
            }

            fn read(&mut self, _: u32) -> Result<Vec<u8>, Error> {
                Ok(self.text.take().map_or_else(Vec::new, |it| it.as_bytes().to_vec()))
            }
        }
    };
}

surround!(janitor_guest::host::Host, janitor_guest::host::Response);
surround!(broken::host::Host, broken::host::Response);
