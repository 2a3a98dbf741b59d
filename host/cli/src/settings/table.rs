//! The table of all settings: their options, their variables, and those that belong together.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fmt};

use janitor_report::command_line::parse::{Urls, variables};

use crate::args::auth::Auth;
use crate::credentials::{Origin, Origins};

/// A setting that an option, a variable, and the configuration file may give.
#[derive(Debug)]
pub struct Setting {
    /// The name of the option without the dashes, which is also its key in the configuration file.
    pub key: &'static str,
    /// The variable.
    pub variable: &'static str,
    field: fn(&mut Given) -> Field<'_>,
}

/// The field of a setting.
enum Field<'a> {
    Text(&'a mut Option<String>),
    File(&'a mut Option<PathBuf>),
}

/// The settings that one place gives.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The servers.
    pub urls: Urls,
    /// The files of credentials and certificates.
    pub auth: Auth,
}

macro_rules! settings {
    ($($key:literal, $variable:expr => $kind:ident($($field:ident).+),)*) => {
        /// All settings.
        pub const SETTINGS: [Setting; 15] = [$(Setting {
            key: $key,
            variable: $variable,
            field: |given| Field::$kind(&mut given.$($field).+),
        }),*];
    };
}

settings! {
    "dcos-url", variables::DCOS_URL => Text(urls.dcos_url),
    "master-url", variables::MASTER_URL => Text(urls.master_url),
    "exhibitor-url", variables::EXHIBITOR_URL => Text(urls.exhibitor_url),
    "marathon-url", variables::MARATHON_URL => Text(urls.marathon_url),
    "auth-token-file", "JANITOR_AUTH_TOKEN_FILE" => File(auth.auth_token_file),
    "username", "JANITOR_USERNAME" => Text(auth.username),
    "password-file", "JANITOR_PASSWORD_FILE" => File(auth.password_file),
    "service-account", "JANITOR_SERVICE_ACCOUNT" => File(auth.service_account),
    "basic-auth-file", "JANITOR_BASIC_AUTH_FILE" => File(auth.basic_auth_file),
    "exhibitor-auth-file", "JANITOR_EXHIBITOR_AUTH_FILE" => File(auth.exhibitor_auth_file),
    "marathon-auth-file", "JANITOR_MARATHON_AUTH_FILE" => File(auth.marathon_auth_file),
    "zk-auth-file", "JANITOR_ZK_AUTH_FILE" => File(auth.zk_auth_file),
    "ca-cert", "JANITOR_CA_CERT" => File(auth.ca_cert),
    "client-cert", "JANITOR_CLIENT_CERT" => File(auth.client_cert),
    "client-key", "JANITOR_CLIENT_KEY" => File(auth.client_key),
}

/// The variables with secrets.
pub const SECRETS: [&str; 8] = [
    variables::AUTH_TOKEN,
    "DCOS_ACS_TOKEN",
    "DCOS_PASSWORD",
    "DCOS_SERVICE_ACCOUNT_CREDENTIAL",
    "MESOS_BASIC_AUTH",
    "EXHIBITOR_AUTH",
    "MARATHON_AUTH",
    "ZK_AUTH",
];

/// Settings that belong together: the place with the highest precedence gives all of them.
pub struct Group {
    /// The names of the options.
    pub keys: &'static [&'static str],
    /// The variables with secrets that give the same.
    secrets: &'static [&'static str],
    /// The place of its origin.
    pub origin: fn(&mut Origins) -> &mut Origin,
}

/// All groups.
pub const GROUPS: [Group; 6] = [
    Group {
        keys: &[
            "auth-token-file",
            "username",
            "password-file",
            "service-account",
            "basic-auth-file",
        ],
        secrets: &[
            variables::AUTH_TOKEN,
            "DCOS_ACS_TOKEN",
            "DCOS_SERVICE_ACCOUNT_CREDENTIAL",
            "MESOS_BASIC_AUTH",
        ],
        origin: |it| &mut it.cluster,
    },
    Group {
        keys: &["exhibitor-auth-file"],
        secrets: &["EXHIBITOR_AUTH"],
        origin: |it| &mut it.exhibitor,
    },
    Group {
        keys: &["marathon-auth-file"],
        secrets: &["MARATHON_AUTH"],
        origin: |it| &mut it.marathon,
    },
    Group { keys: &["zk-auth-file"], secrets: &["ZK_AUTH"], origin: |it| &mut it.zookeeper },
    Group { keys: &["client-cert", "client-key"], secrets: &[], origin: |it| &mut it.certificate },
    Group { keys: &["ca-cert"], secrets: &[], origin: |it| &mut it.authorities },
];

impl Setting {
    /// Sets the value. A relative path begins at the given folder.
    pub fn set(&self, given: &mut Given, value: OsString, folder: &Path) {
        match (self.field)(given) {
            Field::Text(field) => *field = Some(value.to_string_lossy().into_owned()),
            Field::File(field) => *field = Some(folder.join(value)),
        }
    }

    /// Returns the value for people.
    pub fn get(&self, given: &Given) -> Option<String> {
        match (self.field)(&mut given.clone()) {
            Field::Text(field) => field.clone(),
            Field::File(field) => field.as_ref().map(|file| file.display().to_string()),
        }
    }

    /// Copies the value of one place to another.
    pub fn copy(&self, from: &Given, to: &mut Given) {
        match ((self.field)(&mut from.clone()), (self.field)(to)) {
            (Field::Text(from), Field::Text(to)) => *to = from.take(),
            (Field::File(from), Field::File(to)) => *to = from.take(),
            _ => {}
        }
    }
}

impl Group {
    /// Returns the settings of the group.
    pub fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        SETTINGS.iter().filter(|it| self.keys.contains(&it.key))
    }

    /// Returns the first setting of the group that a place gives.
    pub fn given_by(&self, given: &Given) -> Option<&'static Setting> {
        self.settings().find(|it| it.get(given).is_some())
    }

    /// Returns the first variable with a secret of the group.
    pub fn secret(&self) -> Option<&'static str> {
        self.secrets.iter().copied().find(|it| is_set(it))
    }
}

impl Given {
    /// Reads the environment.
    pub fn in_environment() -> Result<Self, String> {
        let mut given = Self::default();
        for setting in &SETTINGS {
            let Some(value) = env::var_os(setting.variable).filter(|it| !it.is_empty()) else {
                continue;
            };
            if matches!((setting.field)(&mut given), Field::Text(_)) && value.to_str().is_none() {
                return Err(not_text(setting.variable));
            }
            setting.set(&mut given, value, Path::new(""));
        }
        given.check(|setting| setting.variable, &"the environment")?;
        Ok(given)
    }

    /// Checks that the settings of a place do not contradict each other, as the command line does
    /// for options.
    pub fn check(
        &self,
        name: fn(&Setting) -> &'static str,
        place: &dyn fmt::Display,
    ) -> Result<(), String> {
        let given = |key: &str| {
            SETTINGS.iter().find(|it| it.key == key && it.get(self).is_some()).map(name)
        };
        let called = |key: &str| SETTINGS.iter().find(|it| it.key == key).map_or("", name);
        let alternatives = ["auth-token-file", "username", "service-account", "basic-auth-file"];
        let alternatives: Vec<_> = alternatives.iter().filter_map(|key| given(key)).collect();
        if alternatives.len() > 1 {
            let names = alternatives.join(" and ");
            return Err(format!("{place} has {names}, but only one of them can be used"));
        }
        for (key, needed) in [
            ("password-file", "username"),
            ("client-cert", "client-key"),
            ("client-key", "client-cert"),
        ] {
            if let (Some(key), None) = (given(key), given(needed)) {
                return Err(format!("{place} has {key} without {}", called(needed)));
            }
        }
        Ok(())
    }
}

/// Returns whether a variable is set to anything.
pub fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
}

/// Reads a variable.
pub fn text(variable: &str) -> Result<Option<String>, String> {
    match env::var(variable) {
        Err(env::VarError::NotUnicode(_)) => Err(not_text(variable)),
        value => Ok(value.ok().filter(|value| !value.is_empty())),
    }
}

fn not_text(variable: &str) -> String {
    format!("cannot use {variable}: it is not text")
}
