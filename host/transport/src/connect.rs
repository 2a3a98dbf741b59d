//! The connections of the HTTP client. Each step of opening one is marked in its error, because only
//! then is it known that no server has seen the request, and whether the proxy is at fault.

use std::{error, fmt};

use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, RustlsConnector, TcpConnector, Transport,
};

/// A step of opening a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The way to the server through the proxy: the connection to the proxy itself, and its
    /// `CONNECT`.
    Proxy,
    /// The connection to the server.
    Tcp,
    /// The TLS handshake with the server.
    Handshake,
}

/// The error of a step. The request was not sent.
#[derive(Debug)]
pub(crate) struct Unconnected {
    /// The step.
    pub(crate) step: Step,
    /// The error of the step.
    pub(crate) error: ureq::Error,
}

impl fmt::Display for Unconnected {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl error::Error for Unconnected {}

/// Returns the connector of ureq, in which the errors of each step are marked.
pub(crate) fn connector() -> impl Connector {
    let proxy = Marked { step: Step::Proxy, connector: ConnectProxyConnector::default() };
    let tcp = Marked { step: Step::Tcp, connector: TcpConnector::default() };
    let handshake = Marked { step: Step::Handshake, connector: RustlsConnector::default() };
    ().chain(proxy).chain(tcp).chain(handshake)
}

/// A connector whose errors are marked with its step.
#[derive(Debug)]
struct Marked<C> {
    step: Step,
    connector: C,
}

impl<In: Transport, C: Connector<In>> Connector<In> for Marked<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<C::Out>, ureq::Error> {
        self.connector.connect(details, chained).map_err(|error| {
            // The connection to the proxy is opened by the same connectors.
            let error = unmarked(error).map_or_else(|error| error, |it| it.error);
            ureq::Error::Other(Box::new(Unconnected { step: self.step, error }))
        })
    }
}

/// Returns the marked error in an error of ureq, or the error itself if it is not marked.
pub(crate) fn unmarked(error: ureq::Error) -> Result<Unconnected, ureq::Error> {
    match error {
        ureq::Error::Other(error) => match error.downcast::<Unconnected>() {
            Ok(unconnected) => Ok(*unconnected),
            Err(error) => Err(ureq::Error::Other(error)),
        },
        error => Err(error),
    }
}
