//! What an error of `wasi:http` means in the contract's words.

use wasip2::http::types::ErrorCode;

use crate::bindings::http::Error;

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        use ErrorCode as Code;
        let connect = |why: &str| Self::Connect(why.into());
        match code {
            Code::DnsTimeout | Code::DnsError(_) | Code::DestinationNotFound => Self::Dns,
            Code::ConnectionRefused => connect("connection refused"),
            Code::ConnectionTimeout => connect("no connection in time"),
            Code::ConnectionLimitReached => connect("the runtime has too many connections"),
            Code::DestinationIpProhibited => connect("the runtime does not allow this address"),
            Code::DestinationUnavailable | Code::DestinationIpUnroutable => {
                connect("no way to the server")
            }
            Code::TlsCertificateError => Self::Tls("the certificate is refused".into()),
            Code::TlsProtocolError | Code::TlsAlertReceived(_) => {
                Self::Tls("the handshake failed".into())
            }
            Code::ConnectionReadTimeout
            | Code::ConnectionWriteTimeout
            | Code::HttpResponseTimeout => Self::Timeout,
            Code::ConnectionTerminated | Code::HttpResponseIncomplete => Self::Reset,
            Code::HttpProtocolError
            | Code::HttpUpgradeFailed
            | Code::HttpResponseHeaderSectionSize(_)
            | Code::HttpResponseHeaderSize(_)
            | Code::HttpResponseBodySize(_)
            | Code::HttpResponseTrailerSectionSize(_)
            | Code::HttpResponseTrailerSize(_)
            | Code::HttpResponseTransferCoding(_)
            | Code::HttpResponseContentCoding(_) => Self::Protocol(format!("{code:?}")),
            Code::HttpRequestDenied => {
                Self::Internal("the runtime does not let this request out".into())
            }
            other => Self::Internal(format!("{other:?}")),
        }
    }
}
