//! The export `settings`: the servers.

use std::cell::RefCell;
use std::rc::Rc;

use janitor_contract::types::Endpoint;
use janitor_contract::{Endpoints, token};
use wasip2::http::types::Scheme;

use crate::Adapter;
use crate::bindings::settings::{Configuration, Guest};

/// The settings of this instance.
pub struct Settings {
    master: Address,
    master_root: Address,
    exhibitor: Address,
    marathon: Address,
    marathon_pods: Address,
    /// The value of the `Authorization` header.
    pub authorization: Option<String>,
    /// The time limit of a run, in seconds.
    pub run_seconds: u32,
    /// The maximum number of concurrent exchanges.
    pub window: u32,
}

/// The address of a server.
pub struct Address {
    /// The base URL.
    pub base: String,
    /// The scheme of the URL.
    pub scheme: Scheme,
    /// The host and port of the URL.
    pub authority: String,
    /// The path of the URL, with a slash at both ends.
    pub path: String,
}

thread_local! {
    static SETTINGS: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

/// Returns the settings, if there are any.
pub fn get() -> Option<Rc<Settings>> {
    SETTINGS.with_borrow(Clone::clone)
}

impl Settings {
    /// Returns the address of an endpoint.
    pub fn address(&self, endpoint: Endpoint) -> &Address {
        match endpoint {
            Endpoint::Master => &self.master,
            Endpoint::MasterRoot => &self.master_root,
            Endpoint::Exhibitor => &self.exhibitor,
            Endpoint::Marathon => &self.marathon,
            Endpoint::MarathonPods => &self.marathon_pods,
        }
    }

    fn new(configuration: Configuration) -> Result<Self, String> {
        let Configuration { master, exhibitor, marathon, token, window, run_seconds } =
            configuration;
        let endpoints = Endpoints::new(&master, &exhibitor, &marathon);
        let endpoints = endpoints.map_err(|error| error.to_string())?;
        if endpoints.ensemble().is_some() {
            return Err("Exhibitor URL must begin with http:// or https:// here: only the native \
                        janitor command connects to ZooKeeper directly"
                .into());
        }
        if endpoints.master_group().is_some() {
            return Err("Master URL must begin with http:// or https:// here: only the native \
                        janitor command finds the leading master in ZooKeeper"
                .into());
        }
        if endpoints.masters().len() > 1 {
            return Err("Master URL must be a single URL here, that of the leading master: only \
                        the native janitor command finds it among several"
                .into());
        }
        if let Some(token) = &token {
            token::check(token).map_err(|error| error.to_string())?;
        }
        if window == 0 {
            return Err("the window must be 1 or more".into());
        }
        if run_seconds == 0 {
            return Err("the time limit must be 1 second or more".into());
        }
        let address = |endpoint| Address::new(endpoints.base(endpoint));
        Ok(Self {
            master: address(Endpoint::Master)?,
            master_root: address(Endpoint::MasterRoot)?,
            exhibitor: address(Endpoint::Exhibitor)?,
            marathon: address(Endpoint::Marathon)?,
            marathon_pods: address(Endpoint::MarathonPods)?,
            authorization: token.map(|token| format!("token={token}")),
            run_seconds,
            window,
        })
    }
}

impl Address {
    fn new(base: &str) -> Result<Self, String> {
        let (scheme, rest) = match base.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            _ => return Err("a URL must begin with http:// or https://".into()),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (authority, path) = (authority.to_owned(), format!("/{path}"));
        Ok(Self { base: base.to_owned(), scheme, authority, path })
    }
}

impl Guest for Adapter {
    fn configure(configuration: Configuration) -> Result<(), String> {
        let settings = Settings::new(configuration)?;
        SETTINGS.set(Some(Rc::new(settings)));
        Ok(())
    }
}
