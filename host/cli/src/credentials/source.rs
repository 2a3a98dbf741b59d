//! The sources of secrets and certificates: the command line, files, and the environment.

use std::env;
use std::path::{Path, PathBuf};

use super::Origin;

/// Reads a secret from the command line, from a file that the given place names, or from the
/// environment. An empty one counts as missing, and the end of the last line does not belong to it.
pub fn secret(
    plain: Option<&str>,
    file: Option<&Path>,
    from: Origin,
    variable: &'static str,
) -> Result<Option<(String, Origin)>, String> {
    let (text, origin) = match (plain, file) {
        (Some(plain), _) => (Some(plain.to_owned()), Origin::Option),
        (None, Some(file)) => {
            let text = String::from_utf8(read(file)?);
            (Some(text.map_err(|_| cannot_use(file, "it is not text"))?), from)
        }
        (None, None) => match env::var(variable) {
            Err(env::VarError::NotUnicode(_)) => {
                return Err(format!("cannot use {variable}: it is not text"));
            }
            text => (text.ok(), Origin::Variable(variable)),
        },
    };
    let text = text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    let text = text.filter(|text| !text.trim().is_empty());
    match (file, text) {
        (Some(file), None) => Err(cannot_use(file, "it is empty")),
        (_, text) => Ok(text.map(|text| (text, origin))),
    }
}

/// Finds the certificates of DC/OS's own authority, which are on nodes and in the sandboxes of
/// tasks.
pub fn dcos_authorities() -> Option<PathBuf> {
    let node = PathBuf::from("/run/dcos/pki/CA/ca-bundle.crt");
    let sandbox = env::var_os("MESOS_SANDBOX").map(PathBuf::from);
    let in_sandbox = |name| sandbox.as_ref().map(|sandbox| sandbox.join(".ssl").join(name));
    [in_sandbox("ca-bundle.crt"), in_sandbox("ca.crt"), Some(node)]
        .into_iter()
        .flatten()
        .find(|file| file.is_file())
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    /// A limit above the size of any token, key, or list of authorities.
    const MOST_BYTES: u64 = 1 << 20;
    janitor_file::read(path, MOST_BYTES).map_err(|why| cannot_use(path, why))
}

/// Says why a file cannot be used.
pub fn cannot_use(file: &Path, why: impl std::fmt::Display) -> String {
    format!("cannot use {}: {why}", file.display())
}
