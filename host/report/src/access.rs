//! Explains how to get access to a server that denies it, or to which there is no trusted
//! connection.

use janitor_contract::Endpoints;
use janitor_contract::likely::likely;
use janitor_contract::request::Server;
use janitor_contract::types::Endpoint;

use crate::shell;

/// A denial of access, which other options of the command line may overcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Denial {
    /// The server answered 401.
    Unauthorized,
    /// There was no trusted connection to the server.
    Untrusted,
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// The server's certificate is for other names.
    OtherName,
    /// The server does not trust this client's certificate, or lacks one.
    ClientCertificate,
    /// The server answered 404 for a page that it always has.
    WrongPath,
}

impl Denial {
    /// The correction to make, as the object of "Nothing was changed;".
    pub fn correction(self) -> String {
        match self {
            Self::Unauthorized => "correct the credentials".into(),
            Self::Untrusted | Self::ClientCertificate => {
                format!("correct the certificates ({CERTIFICATES})")
            }
            Self::Expired => {
                "renew the certificate of the server, or correct the clock of this machine,".into()
            }
            Self::NotYetValid => {
                "correct the clock of this machine, or the certificate of the server,".into()
            }
            Self::OtherName => "use a name that is in the certificate in the URL".into(),
            Self::WrongPath => "correct the URL".into(),
        }
    }
}

/// Proposes the options that give access to a server, or another correction.
pub(crate) fn access(server: Server, denial: Denial, endpoints: &Endpoints) -> Option<String> {
    let (name, file, variable) = match server {
        Server::Master => ("The Mesos master", "--basic-auth-file", "MESOS_BASIC_AUTH"),
        Server::Exhibitor => ("Exhibitor", "--exhibitor-auth-file", "EXHIBITOR_AUTH"),
        Server::Marathon => ("Marathon", "--marathon-auth-file", "MARATHON_AUTH"),
    };
    Some(match denial {
        Denial::Unauthorized => format!(
            "{name} requires valid credentials (401): a token (--auth-token-file, --username, \
             --service-account) or, for HTTP Basic, {file} or {variable}."
        ),
        Denial::Untrusted | Denial::ClientCertificate => {
            format!("{name} is not trusted, or does not trust this client: {CERTIFICATES}.")
        }
        Denial::Expired => format!(
            "{name} needs a new certificate, unless the clock of this machine is wrong; no option \
             accepts the old one but --insecure, which accepts any."
        ),
        Denial::NotYetValid => {
            format!("{name} has a certificate for later: is the clock of this machine right?")
        }
        Denial::OtherName => format!(
            "{name} needs a URL with a name that is in its certificate, or a certificate for the \
             name in its URL."
        ),
        Denial::WrongPath => {
            let (option, urls) = match server {
                Server::Master => ("-m", endpoints.masters()),
                Server::Exhibitor => ("-e", &[endpoints.base(Endpoint::Exhibitor).to_owned()][..]),
                Server::Marathon => ("-n", &[endpoints.base(Endpoint::Marathon).to_owned()][..]),
            };
            let (url, likely) = urls.iter().find_map(|url| Some((url, likely(server, url)?)))?;
            let likely = shell::option(option, &likely);
            format!("{name} is probably not at {url}, which answers 404, but at: {likely}")
        }
    })
}

/// The options that give certificates.
pub const CERTIFICATES: &str = "--ca-cert names the authorities to trust, --client-cert and \
                                --client-key the certificate that a server may require";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_denial_has_its_own_words() {
        let endpoints = Endpoints::default();
        let said = |denial| access(Server::Master, denial, &endpoints).unwrap();
        for denial in [Denial::Untrusted, Denial::ClientCertificate] {
            assert!(
                said(denial).contains("--ca-cert") && denial.correction().contains("--ca-cert")
            );
        }
        for denial in [Denial::Expired, Denial::NotYetValid, Denial::OtherName] {
            let (said, correction) = (said(denial), denial.correction());
            assert!(!said.contains("--ca-cert") && !correction.contains("--ca-cert"), "{said}");
        }
    }

    #[test]
    fn the_right_path_is_proposed_where_there_is_a_good_guess() {
        let [master, exhibitor, marathon] = [
            "http://router/m/master/,http://m:5050/master/master/",
            "http://e:8181/exhibitor/v1/ui/index.html",
            "http://n:8080",
        ];
        let endpoints = Endpoints::new(master, exhibitor, marathon).unwrap();
        for (server, words) in [
            (
                Server::Master,
                "The Mesos master is probably not at http://m:5050/master/master/, which answers \
                 404, but at: -m http://m:5050/master/",
            ),
            (
                Server::Exhibitor,
                "Exhibitor is probably not at http://e:8181/exhibitor/v1/ui/index.html/, which \
                 answers 404, but at: -e http://e:8181/",
            ),
            (
                Server::Marathon,
                "Marathon is probably not at http://n:8080/, which answers 404, but at: -n \
                 http://n:8080/v2/apps/",
            ),
        ] {
            assert_eq!(access(server, Denial::WrongPath, &endpoints).as_deref(), Some(words));
            assert_eq!(access(server, Denial::WrongPath, &Endpoints::default()), None);
        }
    }
}
