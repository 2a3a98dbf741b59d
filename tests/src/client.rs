//! The HTTP client of this crate's own tests.

use ureq::http::{HeaderMap, Request};
use ureq::{Agent, Error, Proxy};

/// An answer, whatever its status.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Sends a request, through a proxy if there is one, on a connection of its own.
pub(crate) fn send(proxy: Option<&str>, request: Request<String>) -> Result<Response, Error> {
    let proxy = proxy.map(Proxy::new).transpose()?;
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let agent: Agent = config.max_redirects_will_error(false).proxy(proxy).build().into();
    let (head, body) = request.into_parts();
    let response = match body.as_str() {
        "" => agent.run(Request::from_parts(head, ())),
        body => agent.run(Request::from_parts(head, body)),
    };
    let (head, mut body) = response?.into_parts();
    let (status, headers) = (head.status.as_u16(), head.headers);
    Ok(Response { status, headers, body: body.read_to_string()? })
}

/// Gets what is there.
pub(crate) fn get(url: &str) -> Result<Response, Error> {
    send(None, Request::get(url).body(String::new())?)
}
