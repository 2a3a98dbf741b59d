//! The servers of a run, and who says where they are: the command line, or a file.

use clap::Args;
use janitor_contract::types::Endpoint;
use janitor_host::Endpoints;

use janitor_report::command_line::parse::{UrlError, endpoints};

/// The servers, and who says where they are.
pub struct Servers {
    /// Where they are.
    pub endpoints: Result<Endpoints, UrlError>,
    /// Those that nothing but a file names: neither the command line nor DC/OS, which has
    /// its servers at the usual places.
    pub only_in_file: Vec<Endpoint>,
}

impl From<Result<Endpoints, UrlError>> for Servers {
    /// Those of a command line.
    fn from(endpoints: Result<Endpoints, UrlError>) -> Self {
        Self { endpoints, only_in_file: vec![] }
    }
}

/// Where the servers are, if they are not where a file says.
#[derive(Debug, Args)]
#[command(next_help_heading = "The cluster, if it is not where the file says")]
pub struct OtherUrls {
    /// A DC/OS cluster: its servers are reached through its Admin Router, where no other
    /// URL is given
    #[arg(long, value_name = "URL")]
    pub dcos_url: Option<String>,
    /// The Mesos master; of several masters, all with , between them
    #[arg(short, long, value_name = "URL")]
    pub master_url: Option<String>,
    /// Exhibitor, or ZooKeeper itself: zk://host:port,host:port/
    #[arg(short, long, value_name = "URL")]
    pub exhibitor_url: Option<String>,
    /// Marathon's apps
    #[arg(short = 'n', long, value_name = "URL")]
    pub marathon_url: Option<String>,
}

impl OtherUrls {
    /// The servers that a file names, but where the command line names others.
    pub fn servers(&self, file: &Endpoints) -> Servers {
        let Self { dcos_url, master_url, exhibitor_url, marathon_url } = self;
        let usual = Endpoints::default();
        let differs = |endpoint| file.base(endpoint) != usual.base(endpoint);
        let only_in_file = [
            (Endpoint::Master, master_url, file.masters() != usual.masters()),
            (Endpoint::Exhibitor, exhibitor_url, differs(Endpoint::Exhibitor)),
            (Endpoint::Marathon, marathon_url, differs(Endpoint::Marathon)),
        ];
        let only_in_file = only_in_file
            .into_iter()
            .filter(|(_, own, differs)| *differs && own.is_none() && dcos_url.is_none())
            .map(|(endpoint, ..)| endpoint)
            .collect();
        let in_file = [
            file.masters().join(","),
            file.base(Endpoint::Exhibitor).into(),
            file.base(Endpoint::Marathon).into(),
        ];
        let endpoints =
            endpoints(dcos_url.as_ref(), [master_url, exhibitor_url, marathon_url], in_file);
        Servers { endpoints, only_in_file }
    }
}
