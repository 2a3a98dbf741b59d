//! The settings of the operator: the servers, and the files of the credentials. Options take
//! precedence over the environment, and the environment over the configuration file; but a cluster
//! that an option chooses takes precedence over the environment.

mod table;

use std::path::Path;

use janitor_contract::Endpoints;
use janitor_contract::names::concerns;
use janitor_contract::types::{Endpoint, Target};
use janitor_report::command_line::parse::{UrlError, Urls};
use janitor_report::command_line::print::Valued;
use janitor_report::inspection;

use crate::args::ConfigArgs;
use crate::args::auth::Auth;
use crate::config::{CONFIG, Cluster, Config};
use crate::credentials::{Origin, Recipient};

use table::{GROUPS, Group, text};
pub use table::{Given, SECRETS, SETTINGS, is_set};

/// The variable that chooses a cluster of the configuration file.
const CLUSTER: &str = "JANITOR_CLUSTER";

/// Lists the variables on which a command depends, besides those with secrets. The servers are not
/// among them, because every proposed command names them itself.
pub fn needed_variables() -> impl Iterator<Item = &'static str> {
    let settings = SETTINGS.iter().filter(|it| !it.key.ends_with("-url"));
    settings.map(|it| it.variable).chain([CLUSTER, CONFIG])
}

/// A place of settings.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Options,
    Environment,
    File,
}

/// All settings of a command.
#[derive(Debug)]
pub struct Settings {
    /// The places with what they give, in the order of their precedence.
    places: Vec<(Place, Given)>,
    /// The configuration file, and the source of its name.
    config: Option<(Config, &'static str)>,
    /// The chosen cluster, and the source of its name.
    cluster: Option<(String, &'static str)>,
    /// The options that choose them.
    chosen: ConfigArgs,
}

/// The servers of a cluster in the configuration file. Only they receive its credentials.
#[derive(Clone, Debug)]
pub struct OwnServers {
    /// The name of the cluster, with its file, for people.
    pub name: String,
    /// The servers, unless a URL is invalid.
    pub endpoints: Option<Endpoints>,
    /// The command line chooses the cluster, which the environment may know nothing of.
    pub is_chosen: bool,
}

impl OwnServers {
    /// Returns whether a server belongs to the cluster.
    pub fn contain(&self, Recipient { url, .. }: &Recipient) -> bool {
        self.endpoints.as_ref().is_some_and(|own| {
            let others = [Endpoint::Exhibitor, Endpoint::Marathon].map(|it| own.base(it));
            own.masters().contains(url)
                || others.contains(&url.as_str())
                || own.login().as_ref() == Some(url)
        })
    }
}

impl Settings {
    /// Reads the environment and the configuration file, in addition to the options.
    ///
    /// # Errors
    /// Fails if one of them cannot be used, with one sentence for people.
    pub fn read(urls: Urls, auth: Auth, chosen: &ConfigArgs) -> Result<Self, String> {
        let config = Config::find(chosen.config.as_deref())?;
        let variable = text(CLUSTER)?;
        let cluster = match (&chosen.cluster, variable, &config) {
            (Some(name), ..) => Some((name.clone(), "--cluster")),
            (None, Some(name), _) => Some((name, CLUSTER)),
            (None, None, Some((config, _))) => {
                config.cluster.clone().map(|name| (name, "the configuration"))
            }
            (None, None, None) => None,
        };
        let mut places = vec![
            (Place::Options, Given { urls, auth }),
            (Place::Environment, Given::in_environment()?),
        ];
        if let Some((name, source)) = &cluster {
            let Some((config, _)) = &config else {
                return Err(format!(
                    "there is no configuration file with cluster '{name}' ({source}); name the file \
                     with --config"
                ));
            };
            let Some(Cluster { given, .. }) = config.clusters.get(name) else {
                let names: Vec<_> = config.clusters.keys().map(String::as_str).collect();
                let names = if names.is_empty() { "none".into() } else { names.join(", ") };
                return Err(format!(
                    "the configuration {} has no cluster '{name}' ({source}); its clusters: {names}",
                    config.file.display()
                ));
            };
            given.check(|setting| setting.key, &config.file.display())?;
            let at = if chosen.cluster.is_some() { 1 } else { 2 };
            places.insert(at, (Place::File, given.clone()));
        }
        Ok(Self { places, config, cluster, chosen: chosen.clone() })
    }

    fn of(&self, wanted: Place) -> Option<&Given> {
        self.places.iter().find_map(|(place, given)| (*place == wanted).then_some(given))
    }

    /// The URLs of the servers.
    pub fn urls(&self) -> Urls {
        let is_chosen = self.chosen.cluster.is_some();
        let holds = |place| !(is_chosen && place == Place::Environment);
        let all = self.places.iter().filter(|(place, _)| holds(*place));
        self.of_one_cluster(all.map(|(_, given)| given.urls.clone()).reduce(Urls::or))
    }

    /// Completes the URLs of a cluster that the command line chooses with the addresses of DC/OS: a
    /// server that it does not name must not be that of another cluster, which the environment, a plan
    /// or a recording may name.
    fn of_one_cluster(&self, urls: Option<Urls>) -> Urls {
        let urls = urls.unwrap_or_default();
        if self.chosen.cluster.is_none() || urls.dcos_url.is_some() {
            return urls;
        }
        let or = |url: Option<String>, usual: &str| Some(url.unwrap_or_else(|| usual.into()));
        Urls {
            dcos_url: None,
            master_url: or(urls.master_url, Endpoints::MASTER),
            exhibitor_url: or(urls.exhibitor_url, Endpoints::EXHIBITOR),
            marathon_url: or(urls.marathon_url, Endpoints::MARATHON),
        }
    }

    /// The configuration file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.config.as_ref().map(|(config, _)| config.file.as_path())
    }

    /// The URLs that the command line names, by themselves or by their cluster. They replace those
    /// of a plan or a recording.
    pub fn named_urls(&self) -> Urls {
        let is_named = |place| {
            place == Place::Options || place == Place::File && self.chosen.cluster.is_some()
        };
        let named = self.places.iter().filter(|(place, _)| is_named(*place));
        self.of_one_cluster(named.map(|(_, given)| given.urls.clone()).reduce(Urls::or))
    }

    /// The credentials and certificates, each with its origin.
    pub fn auth(&self) -> Auth {
        self.resolved().0.auth
    }

    /// Returns the settings that hold, with the source of each group of credentials.
    fn resolved(&self) -> (Given, Vec<(&'static Group, Place)>) {
        let mut resolved = self.of(Place::Options).cloned().unwrap_or_default();
        resolved.urls = self.urls();
        let mut sources = Vec::new();
        for group in &GROUPS {
            let options = self.of(Place::Options);
            // These two options have no counterpart in the other places.
            let is_plain = group.keys.contains(&"auth-token-file")
                && options.is_some_and(|it| it.auth.auth_token.is_some());
            for (place, given) in &self.places {
                let by = group.given_by(given);
                let origin = match (place, by) {
                    (Place::Options, _) if is_plain || by.is_some() => Origin::Option,
                    (Place::Environment, Some(setting)) => Origin::Variable(setting.variable),
                    (Place::Environment, None) => match group.secret() {
                        Some(variable) => Origin::Variable(variable),
                        None => continue,
                    },
                    (Place::File, Some(_)) => Origin::Configuration,
                    _ => continue,
                };
                if *place != Place::Options {
                    group.settings().for_each(|setting| setting.copy(given, &mut resolved));
                }
                *(group.origin)(&mut resolved.auth.origins) = origin;
                sources.push((group, *place));
                break;
            }
        }
        (resolved, sources)
    }

    /// The servers of the chosen cluster.
    pub fn own_servers(&self) -> Option<OwnServers> {
        let given = self.of(Place::File)?;
        let endpoints = given.urls.endpoints(&Endpoints::default()).ok();
        let is_chosen = self.chosen.cluster.is_some();
        Some(OwnServers { name: self.place_name(Place::File), endpoints, is_chosen })
    }

    /// Returns why the targets must not be cleaned up, if one of them concerns a protected role.
    pub fn protection(&self, targets: &[&Target]) -> Option<String> {
        let file = self.config.as_ref().map(|(config, _)| config.file.display().to_string());
        let file = file.unwrap_or_default();
        let all = self.protected();
        let pairs = targets.iter().flat_map(|target| all.iter().map(move |role| (*target, *role)));
        let (target, role) = pairs.into_iter().find(|(target, role)| concerns(target, role))?;
        Some(match &target.znode {
            Some(znode) if target.role.as_ref() != Some(role) => {
                format!("znode '{znode}' may belong to role '{role}', which is protected by {file}")
            }
            _ => format!("role '{role}' is protected by {file}"),
        })
    }

    /// The protected roles of the file, and of the chosen cluster.
    pub fn protected(&self) -> Vec<&String> {
        let Some((config, _)) = &self.config else { return vec![] };
        let cluster = self.cluster.as_ref().and_then(|(name, _)| config.clusters.get(name));
        config.protected.iter().chain(cluster.iter().flat_map(|it| &it.protected)).collect()
    }

    /// The options with which another command finds the same cluster.
    pub fn options(&self) -> Vec<Valued> {
        let ConfigArgs { config, cluster } = &self.chosen;
        let config = config.as_ref().map(|file| ("--config", file.display().to_string()));
        config.into_iter().chain(cluster.clone().map(|name| ("--cluster", name))).collect()
    }

    fn place_name(&self, place: Place) -> String {
        match (place, &self.cluster, &self.config) {
            (Place::File, Some((name, _)), Some((config, _))) => {
                format!("cluster '{name}' in {}", config.file.display())
            }
            (Place::File, ..) => "the configuration".into(),
            (Place::Options, ..) => "option".into(),
            (Place::Environment, ..) => "environment".into(),
        }
    }

    /// Lists the settings that hold, each with its source. No secret is among them.
    pub fn shown(&self) -> Vec<inspection::Setting> {
        let row = |name: &str, value: Option<String>, source: &str| inspection::Setting {
            name: name.into(),
            value,
            source: source.into(),
        };
        let mut rows = Vec::new();
        match &self.config {
            Some((config, source)) => {
                rows.push(row("config", Some(config.file.display().to_string()), source));
            }
            None => rows.push(row("config", Some("none".into()), "default")),
        }
        if let Some((name, source)) = &self.cluster {
            rows.push(row("cluster", Some(name.clone()), source));
        }
        let (resolved, sources) = self.resolved();
        match resolved.urls.endpoints(&Endpoints::default()) {
            Ok(endpoints) => {
                let url = |endpoint| endpoints.base(endpoint).to_owned();
                for (key, url) in [
                    ("master-url", endpoints.masters().join(",")),
                    ("exhibitor-url", url(Endpoint::Exhibitor)),
                    ("marathon-url", url(Endpoint::Marathon)),
                ] {
                    rows.push(row(key, Some(url), &self.source_of_url(key)));
                }
            }
            Err(UrlError { error, .. }) => {
                rows.push(row("servers", Some(error.to_string()), "invalid"));
            }
        }
        for (group, place) in sources {
            let source = self.place_name(place);
            let given = group.settings().filter_map(|it| Some((it, it.get(&resolved)?)));
            let given: Vec<_> = given.collect();
            rows.extend(given.iter().map(|(setting, value)| {
                let variable = (place == Place::Environment).then_some(setting.variable);
                row(setting.key, Some(value.clone()), variable.unwrap_or(&source))
            }));
            if given.is_empty() {
                let secret = group.secret().filter(|_| place == Place::Environment);
                rows.push(row(secret.unwrap_or("auth-token"), None, &source));
            }
        }
        let protected = self.protected();
        if !protected.is_empty() {
            let roles: Vec<_> = protected.into_iter().map(String::as_str).collect();
            let file = self.config.as_ref().map(|(config, _)| config.file.display().to_string());
            rows.push(row("protected", Some(roles.join(", ")), &file.unwrap_or_default()));
        }
        rows
    }

    /// Returns the source of a server's URL.
    fn source_of_url(&self, key: &str) -> String {
        let setting = SETTINGS.iter().find(|it| it.key == key);
        let cluster = SETTINGS.iter().find(|it| it.key == "dcos-url");
        for (place, given) in &self.places {
            let names = [setting, cluster].into_iter().flatten();
            if let Some(by) = names.into_iter().find(|it| it.get(given).is_some()) {
                return match place {
                    Place::Options => format!("option --{}", by.key),
                    Place::Environment => by.variable.into(),
                    Place::File => self.place_name(*place),
                };
            }
        }
        "default".into()
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::table::Setting;
    use super::*;

    #[test]
    fn a_setting_has_the_same_name_everywhere() {
        let mut command = crate::args::definition();
        command.build();
        for Setting { key, variable, .. } in &SETTINGS {
            assert_eq!(*variable, format!("JANITOR_{}", key.to_uppercase().replace('-', "_")));
            assert!(command.get_arguments().any(|arg| arg.get_long() == Some(key)), "{key}");
        }
        let grouped: Vec<_> = GROUPS.iter().flat_map(|group| group.keys).collect();
        let files = SETTINGS.iter().filter(|it| !it.key.ends_with("-url"));
        for Setting { key, .. } in files {
            assert_eq!(grouped.iter().filter(|it| **it == key).count(), 1, "{key}");
        }
    }

    fn settings(places: Vec<(Place, Given)>) -> Settings {
        Settings { places, config: None, cluster: None, chosen: ConfigArgs::default() }
    }

    fn master(url: &str) -> Given {
        let urls = Urls { master_url: Some(url.into()), ..Urls::default() };
        Given { urls, ..Given::default() }
    }

    #[test]
    fn the_url_of_a_cluster_hides_those_of_lower_places() {
        let urls = Urls { dcos_url: Some("https://dcos".into()), ..Urls::default() };
        let cluster = Given { urls, ..Given::default() };
        let below = settings(vec![
            (Place::Options, cluster.clone()),
            (Place::Environment, master("http://m/")),
        ]);
        assert_eq!(below.urls().master_url, None);
        let above = settings(vec![(Place::Options, master("http://m/")), (Place::File, cluster)]);
        assert_eq!(above.urls().master_url.as_deref(), Some("http://m/"));
        assert_eq!(above.urls().dcos_url.as_deref(), Some("https://dcos"));
    }

    #[test]
    fn one_place_gives_all_of_a_credential() {
        let auth = |user: Option<&str>, password: Option<&str>, token: Option<&str>| {
            let auth = Auth {
                username: user.map(Into::into),
                password_file: password.map(Into::into),
                auth_token_file: token.map(Into::into),
                ..Auth::default()
            };
            Given { auth, ..Given::default() }
        };
        let all = settings(vec![
            (Place::Options, Given::default()),
            (Place::Environment, auth(None, None, Some("token"))),
            (Place::File, auth(Some("me"), Some("password"), None)),
        ]);
        let found = all.auth();
        assert_eq!(found.auth_token_file.as_deref(), Some(Path::new("token")));
        assert_eq!((found.username, found.password_file), (None, None));
        assert_eq!(found.origins.cluster, Origin::Variable("JANITOR_AUTH_TOKEN_FILE"));
        assert_eq!(found.origins.exhibitor, Origin::Option);
    }

    #[test]
    fn a_place_does_not_contradict_itself() {
        let check =
            |auth: Auth| Given { auth, ..Given::default() }.check(|setting| setting.key, &"FILE");
        let file = || Some(PathBuf::from("f"));
        let both = Auth { auth_token_file: file(), service_account: file(), ..Auth::default() };
        let why = "FILE has auth-token-file and service-account, but only one of them can be used";
        assert_eq!(check(both), Err(why.into()));
        let half = Auth { client_cert: file(), ..Auth::default() };
        assert_eq!(check(half), Err("FILE has client-cert without client-key".into()));
        let nobodys = Auth { password_file: file(), ..Auth::default() };
        assert_eq!(check(nobodys), Err("FILE has password-file without username".into()));
    }
}
