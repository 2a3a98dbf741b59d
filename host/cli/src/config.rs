//! The configuration file: named clusters, with their servers and the files of their credentials,
//! and protected roles. A secret itself is never in it.

use std::collections::BTreeMap;
use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
use std::path::{Path, PathBuf};
use std::{env, fs};

use toml_span::de_helpers::TableHelper;
use toml_span::value::ValueInner;
use toml_span::{DeserError, Error, ErrorKind, Value};

use crate::settings::{Given, SETTINGS};

/// The variable that names the configuration file.
pub const CONFIG: &str = "JANITOR_CONFIG";

/// A configuration file.
#[derive(Debug)]
pub struct Config {
    /// The path of the file.
    pub file: PathBuf,
    /// The cluster to use if neither the command line nor the environment names one.
    pub cluster: Option<String>,
    /// The roles that are never cleaned up.
    pub protected: Vec<String>,
    /// The clusters, by their names.
    pub clusters: BTreeMap<String, Cluster>,
}

/// A cluster in a configuration file.
#[derive(Debug)]
pub struct Cluster {
    /// Its settings.
    pub given: Given,
    /// The roles that are never cleaned up there.
    pub protected: Vec<String>,
}

impl Config {
    /// Reads the configuration file: the named one, or else the first one that exists in the usual
    /// places. Returns it with the source of its name.
    ///
    /// # Errors
    /// Fails if a file is named and does not exist, or if a file cannot be read or is invalid, with
    /// one sentence for people.
    pub fn find(named: Option<&Path>) -> Result<Option<(Self, &'static str)>, String> {
        let variable = env::var_os(CONFIG).filter(|value| !value.is_empty()).map(PathBuf::from);
        let named = match (named, variable) {
            (Some(file), _) => Some((file.to_owned(), "--config")),
            (None, Some(file)) => Some((file, CONFIG)),
            (None, None) => None,
        };
        if let Some((file, source)) = named {
            return Self::read(&file).map(|config| Some((config, source)));
        }
        for file in usual_places() {
            match fs::metadata(&file).map_err(|why| why.kind()) {
                // A program that was started by another user may inherit that user's HOME.
                Err(NotFound | NotADirectory | PermissionDenied) => {}
                _ => return Self::read(&file).map(|config| Some((config, "default"))),
            }
        }
        Ok(None)
    }

    fn read(file: &Path) -> Result<Self, String> {
        /// A limit above the size of any configuration.
        const MOST_BYTES: u64 = 1 << 20;
        let place = file.display();
        let text = janitor_file::read(file, MOST_BYTES)
            .map_err(|why| why.to_string())
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not text".into()))
            .map_err(|why| format!("cannot use the configuration {place}: {why}"))?;
        Self::parse(file, &text).map_err(|errors| {
            let each = errors.errors.iter().map(|error| described(error, file, &text));
            format!("cannot use the configuration {}", each.collect::<Vec<_>>().join("; "))
        })
    }

    fn parse(file: &Path, text: &str) -> Result<Self, DeserError> {
        let mut document = toml_span::parse(text)?;
        let mut table = TableHelper::new(&mut document)?;
        let cluster = table.optional_s::<String>("cluster");
        let protected = table.optional("protected").unwrap_or_default();
        let mut clusters = BTreeMap::new();
        if let Some((_, mut value)) = table.take("clusters") {
            let span = value.span;
            match value.take() {
                ValueInner::Table(named) => {
                    for (name, mut value) in named {
                        match Cluster::read(&mut value, file) {
                            Ok(cluster) => drop(clusters.insert(name.name.into(), cluster)),
                            Err(mut errors) => table.errors.append(&mut errors.errors),
                        }
                    }
                }
                other => table.errors.push(toml_span::de_helpers::expected("a table", other, span)),
            }
        }
        if let Some(unknown) = cluster.as_ref().filter(|it| !clusters.contains_key(&it.value)) {
            let why = format!("there is no [clusters.{}]", unknown.value);
            table.errors.push((ErrorKind::Custom(why.into()), unknown.span).into());
        }
        table.finalize(None)?;
        let cluster = cluster.map(|it| it.value);
        Ok(Self { file: file.into(), cluster, protected, clusters })
    }
}

impl Cluster {
    fn read(value: &mut Value, file: &Path) -> Result<Self, DeserError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut table = TableHelper::new(value)?;
        let mut given = Given::default();
        for setting in &SETTINGS {
            if let Some(text) = table.optional::<String>(setting.key) {
                setting.set(&mut given, text.into(), folder);
            }
        }
        let protected = table.optional("protected").unwrap_or_default();
        table.finalize(None)?;
        Ok(Self { given, protected })
    }
}

/// The places of the configuration file, in order.
fn usual_places() -> impl Iterator<Item = PathBuf> {
    let absolute =
        |variable| env::var_os(variable).map(PathBuf::from).filter(|it| it.is_absolute());
    let own = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    own.into_iter().chain([PathBuf::from("/etc")]).map(|folder| folder.join("janitor/config.toml"))
}

/// Describes an error with its line. It shows no value, because a value may be a secret that
/// somebody has put there by mistake.
fn described(error: &Error, file: &Path, text: &str) -> String {
    let file = file.display();
    let line = |at: usize| text.bytes().take(at).filter(|it| *it == b'\n').count() + 1;
    match &error.kind {
        ErrorKind::UnexpectedKeys { keys, .. } => {
            let each = keys.iter().map(|(key, span)| {
                let hint = match key.as_str() {
                    "auth-token" | "password" => {
                        format!("; a secret is only in a file of its own: {key}-file")
                    }
                    _ => String::new(),
                };
                format!("{file}:{}: unknown key '{key}'{hint}", line(span.start))
            });
            each.collect::<Vec<_>>().join("; ")
        }
        ErrorKind::UnexpectedValue { .. } => {
            format!("{file}:{}: unexpected value", line(error.span.start))
        }
        _ => format!("{file}:{}: {error}", line(error.span.start)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, text).unwrap();
        let place = file.display().to_string();
        Config::read(&file).map_err(|why| why.replace(&place, "FILE"))
    }

    #[test]
    fn every_setting_can_be_in_it() {
        let lines: Vec<_> = SETTINGS.iter().map(|it| format!("{} = 'x'", it.key)).collect();
        let text = format!("cluster = 'a'\n[clusters.a]\n{}", lines.join("\n"));
        let config = parsed(&text).unwrap();
        let given = &config.clusters["a"].given;
        for setting in &SETTINGS {
            let value = setting.get(given).unwrap();
            // A relative path begins at the folder of the file.
            assert!(value == "x" || Path::new(&value).is_absolute(), "{}: {value:?}", setting.key);
        }
    }

    #[test]
    fn an_error_names_its_line_and_shows_no_value() {
        for (text, expected) in [
            ("\nclutser = 'a'", "FILE:2: unknown key 'clutser'"),
            ("[clusters.a]\nmaster_url = 'x'", "FILE:2: unknown key 'master_url'"),
            (
                "[clusters.a]\n\nauth-token = 'hunter2'",
                "FILE:3: unknown key 'auth-token'; a secret is only in a file of its own: \
                 auth-token-file",
            ),
            ("cluster = 'b'\n[clusters.a]", "FILE:1: there is no [clusters.b]"),
            ("protected = 'hunter2'", "FILE:1: expected an array, found string"),
            ("clusters = 1", "FILE:1: expected a table, found integer"),
            ("[clusters.a]\nca-cert = 5", "FILE:2: expected a string, found integer"),
            ("a = 1\na = 2", "FILE:2: duplicate key: `a`"),
        ] {
            let why = parsed(text).unwrap_err();
            assert_eq!(why, format!("cannot use the configuration {expected}"));
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
