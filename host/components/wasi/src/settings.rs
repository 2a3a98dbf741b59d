//! The export `settings`: where the servers are, and where the log goes.

use std::cell::{OnceCell, RefCell};

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::Scheme;
use wasip2::io::streams::OutputStream;

use crate::Adapter;
use crate::bindings::http::Endpoint;
use crate::bindings::log::Framework;
use crate::bindings::settings::{Configuration, Format, Guest, Server};

/// What somebody has said.
pub struct Settings {
    servers: [Place; 5],
    /// When the settings were made, in nanoseconds of the runtime's clock.
    pub begin: u64,
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
        let Configuration { servers, window, format, verbose } = configuration;
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
        let log = RefCell::new(Some(log));
        let begin = monotonic_clock::now();
        let frameworks = RefCell::default();
        let settings = Settings { servers, begin, window, format, verbose, log, frameworks };
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
