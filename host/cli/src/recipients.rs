//! Checks that the operator knows which servers are about to receive a credential.

use std::collections::BTreeMap;

use janitor_contract::request::Server;
use janitor_contract::types::Endpoint;
use janitor_host::Endpoints;

use crate::credentials::{Origin, Recipient};
use crate::settings::OwnServers;
use janitor_report::command_line::print::urls;
use janitor_report::shell;

/// A reason to send nothing.
#[derive(Debug, PartialEq)]
pub struct Objection {
    /// The reason.
    pub why: String,
    /// The correction to make.
    pub hint: String,
}

/// Checks that the operator has chosen these servers to receive a credential, and that the
/// credentials of a configured cluster are sent only to its own servers. Returns notes for people
/// about those that receive one.
///
/// # Errors
/// Fails if nothing must be sent, with the reason and the correction.
pub fn consider(
    recipients: &[Recipient],
    endpoints: &Endpoints,
    only_in_file: &[Server],
    cluster: Option<&OwnServers>,
    allow_plain_http: bool,
) -> Result<Vec<String>, Objection> {
    let mut notes = Vec::new();
    let is_stranger = |it: &&Recipient| {
        it.origin == Origin::Configuration && !cluster.is_some_and(|cluster| cluster.contain(it))
    };
    let strangers: Vec<_> = recipients.iter().filter(is_stranger).collect();
    if !strangers.is_empty() {
        let name = cluster.map_or("the configuration", |cluster| &cluster.name);
        return Err(Objection {
            why: format!(
                "The credentials of {name} are not sent to servers that it does not name: {}.",
                listed(&strangers)
            ),
            hint:
                "choose the cluster of these servers (--cluster), or give the credential with an \
                   option,"
                    .into(),
        });
    }
    let in_file: Vec<_> =
        recipients.iter().filter(|it| only_in_file.contains(&it.server)).collect();
    let unasked: Vec<_> = in_file
        .iter()
        .filter_map(|it| match it.origin {
            Origin::Variable(variable) => Some((variable, *it)),
            Origin::Option | Origin::Configuration => None,
        })
        .collect();
    if !unasked.is_empty() {
        let each = unasked.iter().map(|(variable, Recipient { name, url, .. })| {
            format!("Only the file names {name} at {url}, so {variable} is not sent to it.")
        });
        let options = urls(endpoints).into_iter().filter(|(option, _)| {
            unasked.iter().any(|(_, it)| match it.server {
                Server::Exhibitor => *option == "-e",
                Server::Marathon => *option == "-n",
                Server::Master => *option == "-m",
            })
        });
        let options: Vec<_> = options.map(|(option, url)| shell::option(option, &url)).collect();
        return Err(Objection {
            why: each.collect::<Vec<_>>().join(" "),
            hint: format!(
                "if this server is correct, name it on the command line too ({}), or give the \
                 credential with an option,",
                options.join(" ")
            ),
        });
    }
    if !in_file.is_empty() {
        notes.push(format!(
            "sending credentials to servers that are named only in the file: {}",
            listed(&in_file)
        ));
    }
    if let Some(OwnServers { name, .. }) = cluster.filter(|it| it.is_chosen) {
        let mut of_environment = BTreeMap::<_, Vec<_>>::new();
        for recipient in recipients {
            if let Origin::Variable(variable) = recipient.origin {
                of_environment.entry(variable).or_default().push(recipient);
            }
        }
        notes.extend(of_environment.into_iter().map(|(variable, to)| {
            format!(
                "sending the credential of {variable} to {name}, which names none of its own: {}",
                listed(&to)
            )
        }));
    }
    let detected: Vec<_> = recipients.iter().filter(|it| it.is_detected).collect();
    if !detected.is_empty() {
        notes.push(format!(
            "sending credentials to the master that ZooKeeper names, and whoever can write to \
             ZooKeeper can name another one: {}",
            listed(&detected)
        ));
    }
    let is_https = |url: &str| url.starts_with("https://") || url.starts_with("zk+https://");
    let mut bases =
        endpoints.masters().iter().map(String::as_str).chain(
            [Endpoint::Exhibitor, Endpoint::Marathon].map(|endpoint| endpoints.base(endpoint)),
        );
    let plain: Vec<_> = recipients.iter().filter(|it| it.is_plain).collect();
    if !plain.is_empty() && bases.any(is_https) {
        let to = listed(&plain);
        if !allow_plain_http {
            return Err(Objection {
                why: format!(
                    "Another server is reached over HTTPS, but credentials would be sent over \
                     plain HTTP to {to}."
                ),
                hint: "correct the URLs, or add --allow-plain-http to send them anyway,".into(),
            });
        }
        notes.push(format!(
            "sending credentials over plain HTTP, where anyone on the network path can read them, to {to}"
        ));
    }
    Ok(notes)
}

fn listed(recipients: &[&Recipient]) -> String {
    let each = recipients.iter().map(|Recipient { name, url, .. }| format!("{name} {url}"));
    each.collect::<Vec<_>>().join(", ")
}
