//! The export `settings`: the servers, and the stream of the log.

use std::cell::{OnceCell, RefCell};

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::Scheme;
use wasip2::io::streams::OutputStream;

use crate::Adapter;
use crate::bindings::settings::{Configuration, Format, Guest, Server};
use janitor_contract::types::{Endpoint, Framework};

/// A second in the units of WASI's clocks.
pub const SECOND: u64 = 1_000_000_000;
/// The time after its time limit in which a run may still send reads, in seconds.
const LOOKS: u32 = 60;

/// The settings of this instance.
pub struct Settings {
    servers: [Address; 5],
    /// The time at which the settings were made, in nanoseconds of the runtime's clock.
    pub begin: u64,
    /// The time limit of the run, in seconds.
    pub run_seconds: u32,
    /// The end of the time for requests that change something, by the same clock.
    pub end: u64,
    /// The end of the time for all requests.
    pub last: u64,
    /// The maximum number of concurrent exchanges.
    pub window: u32,
    /// The format of the log.
    pub format: Format,
    /// This is set when debug lines are written too.
    pub verbose: bool,
    /// The stream of the log, until the log has ended.
    pub log: RefCell<Option<OutputStream>>,
    /// The frameworks that the log has reported.
    pub frameworks: RefCell<Vec<Framework>>,
}

/// The address of a server, and the credentials for it.
pub struct Address {
    /// The base URL.
    pub base: String,
    /// The scheme of the URL.
    pub scheme: Scheme,
    /// The host and port of the URL.
    pub authority: String,
    /// The path of the URL, with a slash at both ends.
    pub path: String,
    /// The value of the `Authorization` header.
    pub authorization: Option<String>,
}

thread_local! {
    static SETTINGS: OnceCell<Settings> = const { OnceCell::new() };
}

/// Calls a function with the settings, if there are any.
pub fn with<T>(use_them: impl FnOnce(&Settings) -> T) -> Option<T> {
    SETTINGS.with(|settings| settings.get().map(use_them))
}

impl Settings {
    /// Returns the address of an endpoint.
    pub fn address(&self, endpoint: Endpoint) -> &Address {
        let [master, root, exhibitor, marathon, pods] = &self.servers;
        match endpoint {
            Endpoint::Master => master,
            Endpoint::MasterRoot => root,
            Endpoint::Exhibitor => exhibitor,
            Endpoint::Marathon => marathon,
            Endpoint::MarathonPods => pods,
        }
    }
}

impl Address {
    fn new(server: Server) -> Result<Self, String> {
        let Server { base, authorization } = server;
        let is_held = |value: &String| value.bytes().all(|it| it == b' ' || it.is_ascii_graphic());
        if !authorization.as_ref().is_none_or(is_held) {
            return Err(format!(
                "the authorization for {base} is not a valid header: it must be printable ASCII"
            ));
        }
        let error =
            || format!("the URL {base} must begin with http:// or https://, and end with a slash");
        let (scheme, rest) = match base.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            _ => return Err(error()),
        };
        let (authority, path) = rest.split_once('/').ok_or_else(error)?;
        let (authority, path) = (authority.to_owned(), format!("/{path}"));
        match path.ends_with('/') {
            true => Ok(Self { base, scheme, authority, path, authorization }),
            false => Err(error()),
        }
    }
}

impl Guest for Adapter {
    fn configure(configuration: Configuration, log: OutputStream) -> Result<(), String> {
        let Configuration { servers, window, run_seconds, format, verbose } = configuration;
        let servers = [
            Address::new(servers.master)?,
            Address::new(servers.master_root)?,
            Address::new(servers.exhibitor)?,
            Address::new(servers.marathon)?,
            Address::new(servers.marathon_pods)?,
        ];
        if window == 0 {
            return Err("the window must be 1 or more".into());
        }
        if run_seconds == 0 {
            return Err("the time limit must be 1 second or more".into());
        }
        let begin = monotonic_clock::now();
        let end = begin.saturating_add(u64::from(run_seconds) * SECOND);
        let last = end.saturating_add(u64::from(run_seconds.min(LOOKS)) * SECOND);
        let settings = Settings {
            servers,
            begin,
            run_seconds,
            end,
            last,
            window,
            format,
            verbose,
            log: RefCell::new(Some(log)),
            frameworks: RefCell::default(),
        };
        SETTINGS
            .with(|cell| cell.set(settings))
            .map_err(|_| "this instance of the component is already configured".into())
    }

    fn frameworks() -> Vec<Framework> {
        with(|settings| settings.frameworks.borrow().clone()).unwrap_or_default()
    }

    fn end_log() -> Option<OutputStream> {
        with(|settings| settings.log.take()).flatten()
    }
}
