//! The export `settings`: where the servers are, and where the log goes.

use std::cell::{OnceCell, RefCell};

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::Scheme;
use wasip2::io::streams::OutputStream;

use crate::Adapter;
use crate::bindings::settings::{Configuration, Format, Guest, Server};
use janitor_contract::types::{Endpoint, Framework};

/// A second, as WASI counts.
pub const SECOND: u64 = 1_000_000_000;
/// How long a run that is over may still look at what is left, in seconds.
const LOOKS: u32 = 60;

/// What somebody has said.
pub struct Settings {
    servers: [Place; 5],
    /// When the settings were made, in nanoseconds of the runtime's clock.
    pub begin: u64,
    /// How long the run may take, in seconds.
    pub run_seconds: u32,
    /// When the run is over for all that changes something, by the same clock.
    pub end: u64,
    /// When it is over for all that looks.
    pub last: u64,
    /// How many exchanges there may be at a time.
    pub window: u32,
    /// How the log is written.
    pub format: Format,
    /// Whether lines that are only for finding out are written too.
    pub verbose: bool,
    /// Where the log goes, until it is over.
    pub log: RefCell<Option<OutputStream>>,
    /// The frameworks that the log has told of.
    pub frameworks: RefCell<Vec<Framework>>,
}

/// Where a server is, and who to be for it.
pub struct Place {
    /// Its base URL.
    pub base: String,
    /// The URL's scheme.
    pub scheme: Scheme,
    /// Its host and port.
    pub authority: String,
    /// Its path, with a slash at both ends.
    pub path: String,
    /// The value of the `Authorization` header.
    pub authorization: Option<String>,
}

thread_local! {
    static SETTINGS: OnceCell<Settings> = const { OnceCell::new() };
}

/// Does something with the settings, if there are some.
pub fn with<T>(use_them: impl FnOnce(&Settings) -> T) -> Option<T> {
    SETTINGS.with(|settings| settings.get().map(use_them))
}

impl Settings {
    /// Where a server is.
    pub fn place(&self, endpoint: Endpoint) -> &Place {
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

impl Place {
    fn new(server: Server) -> Result<Self, String> {
        let Server { base, authorization } = server;
        let is_held = |value: &String| value.bytes().all(|it| it == b' ' || it.is_ascii_graphic());
        if !authorization.as_ref().is_none_or(is_held) {
            return Err(format!(
                "what {base} gets as authorization cannot be in a header: it holds more than \
                 printable ASCII"
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
            Place::new(servers.master)?,
            Place::new(servers.master_root)?,
            Place::new(servers.exhibitor)?,
            Place::new(servers.marathon)?,
            Place::new(servers.marathon_pods)?,
        ];
        if window == 0 {
            return Err("the window must be 1 or more".into());
        }
        if run_seconds == 0 {
            return Err("a run must be allowed to take 1 second or more".into());
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
            .map_err(|_| "this instance of the component has its settings already".into())
    }

    fn frameworks() -> Vec<Framework> {
        with(|settings| settings.frameworks.borrow().clone()).unwrap_or_default()
    }

    fn end_log() -> Option<OutputStream> {
        with(|settings| settings.log.take()).flatten()
    }
}
