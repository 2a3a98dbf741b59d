//! The corrections to make where no run could be started.

use janitor_contract::{EndpointError, EnsembleError, UrlFault};
use janitor_host::LoginError;

use crate::call::untrusted;

/// The correction to make to an invalid URL.
pub fn correction(error: &EndpointError) -> String {
    match (error.why, &error.likely) {
        (UrlFault::Ensemble(EnsembleError::Credentials), _) => {
            "name a file with them by --zk-auth-file instead, or set ZK_AUTH,".into()
        }
        (_, Some(likely)) => format!("correct the URL, which is probably {likely},"),
        (_, None) => "correct the URL".into(),
    }
}

/// The correction to make before the next login.
pub fn hint(error: &LoginError) -> String {
    match error {
        LoginError::Certificates { source, .. } => {
            let denial = untrusted(source);
            denial.map_or_else(|| "correct the URL".into(), |denial| denial.correction())
        }
        LoginError::Unreachable { .. } => "check that the server answers".into(),
        LoginError::NoHost => {
            "give a token (--auth-token-file), or the URL of the cluster (--dcos-url) or of a \
             master (-m http://HOST:5050/master/),"
                .into()
        }
        _ => "correct the credentials".into(),
    }
}
