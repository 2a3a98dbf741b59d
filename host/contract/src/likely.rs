//! The URL of a server that was probably meant by one that is not right.

use http::Uri;

use crate::request::Server;

/// Returns the URL that was probably meant by this one, which is invalid or at which the server does
/// not have its pages. Returns nothing if there is no better guess, or if the text may contain a
/// password.
pub fn likely(server: Server, url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        Some(_) => return None,
        None => ("http", url.trim_start_matches('/')),
    };
    let (place, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if place.is_empty() || url.contains('@') {
        return None;
    }
    let usual = match server {
        Server::Master => 5050,
        Server::Exhibitor => 8181,
        Server::Marathon => 8080,
    };
    let uri: Uri = format!("{scheme}://{place}/").parse().ok()?;
    let authority = uri.authority()?;
    let port = match authority.port_u16() {
        Some(port) => format!(":{port}"),
        // A port that is not a number has no better guess.
        None if authority.as_str() != authority.host() => return None,
        None if url.contains("://") => String::new(),
        None => format!(":{usual}"),
    };
    let path = match server {
        Server::Master => masters(path),
        Server::Exhibitor => exhibitors(path, authority.port_u16() == Some(usual)),
        Server::Marathon => marathons(path),
    };
    let likely = format!("{scheme}://{}{port}{path}", authority.host());
    let is_better = likely.trim_end_matches('/') != url.trim_end_matches('/');
    Some(likely).filter(|likely| is_better && likely.parse::<Uri>().is_ok())
}

/// Returns the path of a master's pages. They are at `/master/`, and behind Admin Router at
/// `/mesos/master/`.
fn masters(path: &str) -> String {
    let before = match path.find("/master") {
        Some(at) => path.get(..at).unwrap_or_default(),
        None if path.starts_with("/mesos") => "/mesos",
        None => "",
    };
    format!("{before}/master/")
}

/// Returns the path below which Exhibitor has its pages, at `exhibitor/v1/`. At its own port, that is
/// the root.
fn exhibitors(path: &str, is_direct: bool) -> String {
    let before = match path.find("/exhibitor/v1") {
        Some(at) => path.get(..at).unwrap_or_default(),
        None if is_direct => "",
        None => path.trim_end_matches('/'),
    };
    format!("{before}/")
}

/// Returns the path of Marathon's apps.
fn marathons(path: &str) -> String {
    let before = path.find("/v2").or_else(|| path.find("/ui")).and_then(|at| path.get(..at));
    format!("{}/v2/apps/", before.unwrap_or(path).trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_likely_url_is_complete_and_has_the_path_of_the_server() {
        for (server, url, expected) in [
            (Server::Master, "m", "http://m:5050/master/"),
            (Server::Master, "m:80", "http://m:80/master/"),
            (Server::Master, "//m:5050/master", "http://m:5050/master/"),
            (Server::Master, "[::1]:5050", "http://[::1]:5050/master/"),
            (Server::Master, "http://m:5050/#/agents", "http://m:5050/master/"),
            (Server::Master, "http://m:5050/", "http://m:5050/master/"),
            (Server::Master, "http://m:5050/master/master/", "http://m:5050/master/"),
            (Server::Master, "http://m:5050/master/slaves?x=y", "http://m:5050/master/"),
            (Server::Master, "https://c/mesos/#/", "https://c/mesos/master/"),
            (Server::Exhibitor, "e", "http://e:8181/"),
            (Server::Exhibitor, "http://e:8181/exhibitor/v1/ui/index.html", "http://e:8181/"),
            (Server::Exhibitor, "http://e:8181/exhibitor/", "http://e:8181/"),
            (
                Server::Exhibitor,
                "https://c/exhibitor/exhibitor/v1/ui/index.html",
                "https://c/exhibitor/",
            ),
            (Server::Marathon, "n", "http://n:8080/v2/apps/"),
            (Server::Marathon, "http://n:8080", "http://n:8080/v2/apps/"),
            (Server::Marathon, "http://n:8080/ui/#/apps", "http://n:8080/v2/apps/"),
            (Server::Marathon, "http://n:8080/v2/apps/v2/apps/", "http://n:8080/v2/apps/"),
            (Server::Marathon, "https://c/service/marathon", "https://c/service/marathon/v2/apps/"),
        ] {
            assert_eq!(likely(server, url).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn there_is_not_always_a_better_guess() {
        for (server, url) in [
            (Server::Master, ""),
            (Server::Master, "http://m:5050/master"),
            (Server::Master, "http://router/m/master/"),
            (Server::Master, "https://c/mesos/master/"),
            (Server::Master, "ftp://m/"),
            (Server::Master, "zk://m/"),
            (Server::Master, "m:x"),
            (Server::Master, "a b"),
            (Server::Master, "u:canary@m"),
            (Server::Exhibitor, "http://e:8181/"),
            (Server::Exhibitor, "http://e/a b"),
            (Server::Exhibitor, "https://c/exhibitor/"),
            (Server::Marathon, "https://c/service/marathon/v2/apps/"),
        ] {
            assert_eq!(likely(server, url), None, "{url}");
        }
    }
}
