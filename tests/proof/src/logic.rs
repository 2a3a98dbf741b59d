//! The logic that is tried: the component's own and the host's policy, or copies of both with faults.

#![allow(unexpected_cfgs, missing_docs, dead_code, reason = "the copies' own crates have these")]

use std::time::Duration;

use janitor_contract::call::Call;
use janitor_contract::types::{
    CleanupPlan, Entry, Error, Failure, Options, ReadFailure, Report, Request, Target,
};

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

    /// Cleans several targets.
    pub fn clean_all(
        self,
        trial: &mut Trial,
        targets: &[Target],
        options: &Options,
    ) -> Vec<Result<Report, Failure>> {
        match self {
            Self::Own => janitor_guest::clean_all(trial, targets, options),
            Self::Broken => broken::clean_all(trial, targets, options),
        }
    }

    /// Makes a plan.
    pub fn plan(
        self,
        trial: &mut Trial,
        target: &Target,
        options: &Options,
    ) -> Result<CleanupPlan, ReadFailure> {
        match self {
            Self::Own => janitor_guest::plan(trial, target, options),
            Self::Broken => broken::plan(trial, target, options),
        }
    }

    /// Carries a plan out.
    pub fn apply(
        self,
        trial: &mut Trial,
        plan: &CleanupPlan,
        options: &Options,
    ) -> Result<Report, Failure> {
        match self {
            Self::Own => janitor_guest::clean::apply(trial, plan, options),
            Self::Broken => broken::clean::apply(trial, plan, options),
        }
    }
}

/// The host's policy.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "all are of the same kind")]
pub enum Judge {
    /// The host's own.
    Own(janitor_policy::Policy),
    /// The copy.
    Broken(broken_policy::Policy),
}

impl Judge {
    /// Creates the policy for a call.
    pub fn new(logic: Logic, call: &Call, options: &Options) -> Self {
        match logic {
            Logic::Own => Self::Own(janitor_policy::Policy::new(call, options)),
            Logic::Broken => Self::Broken(broken_policy::Policy::new(call, options)),
        }
    }

    /// Checks a request.
    ///
    /// # Errors
    /// Fails with the reason why it is denied.
    pub fn check(&self, request: &Request) -> Result<(), String> {
        match self {
            Self::Own(policy) => policy.check(request),
            Self::Broken(policy) => policy.check(request),
        }
    }

    /// Reads the whole response to a request.
    pub fn learn(&mut self, request: &Request, body: &[u8]) {
        macro_rules! read {
            ($policy:expr) => {{
                let mut watch = $policy.watch(request);
                $policy.read(&mut watch, body);
                $policy.read(&mut watch, &[]);
            }};
        }
        match self {
            Self::Own(policy) => read!(policy),
            Self::Broken(policy) => read!(policy),
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
                self.has_weighed.set(true);
                self.setting.agents_per_request
            }

            fn log(&mut self, entry: Entry) {
                self.logged(&entry);
            }
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
