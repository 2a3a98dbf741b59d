//! What an error of `wasi:http` means in the contract's words.

use wasip2::http::types::ErrorCode;

use janitor_contract::types::Error;

/// What an error means.
pub fn meaning(code: ErrorCode) -> Error {
    use ErrorCode as Code;
    let connect = |why: &str| Error::Connect(why.into());
    let protocol = |why: &str| Error::Protocol(why.into());
    let internal = |why: &str| Error::Internal(why.into());
    match code {
        Code::DnsTimeout | Code::DnsError(_) | Code::DestinationNotFound => Error::Dns,
        Code::ConnectionRefused => connect("connection refused"),
        Code::ConnectionTimeout => connect("no connection in time"),
        Code::ConnectionLimitReached => connect("the runtime has too many connections"),
        Code::DestinationIpProhibited => connect("the runtime does not allow this address"),
        Code::DestinationUnavailable | Code::DestinationIpUnroutable => {
            connect("no way to the server")
        }
        Code::TlsCertificateError => Error::Tls("the certificate is refused".into()),
        Code::TlsProtocolError | Code::TlsAlertReceived(_) => {
            Error::Tls("the handshake failed".into())
        }
        Code::ConnectionReadTimeout | Code::ConnectionWriteTimeout | Code::HttpResponseTimeout => {
            Error::Timeout
        }
        Code::ConnectionTerminated | Code::HttpResponseIncomplete => Error::Reset,
        Code::HttpProtocolError => protocol("it breaks the rules of the protocol"),
        Code::HttpUpgradeFailed => protocol("it was to change to another protocol"),
        Code::HttpResponseHeaderSectionSize(_) | Code::HttpResponseHeaderSize(_) => {
            protocol("its headers are larger than the runtime takes")
        }
        Code::HttpResponseBodySize(_) => protocol("its body is larger than the runtime takes"),
        Code::HttpResponseTrailerSectionSize(_) | Code::HttpResponseTrailerSize(_) => {
            protocol("its trailers are larger than the runtime takes")
        }
        Code::HttpResponseTransferCoding(_) => {
            protocol("the runtime does not know its transfer coding")
        }
        Code::HttpResponseContentCoding(_) => {
            protocol("the runtime does not know its content coding")
        }
        Code::HttpRequestDenied => internal("the runtime does not let this request out"),
        Code::HttpRequestLengthRequired => internal("the runtime wants the request's length"),
        Code::HttpRequestBodySize(_) => internal("the runtime sends no body of this size"),
        Code::HttpRequestMethodInvalid => internal("the runtime refuses the method"),
        Code::HttpRequestUriInvalid => internal("the runtime refuses the URL"),
        Code::HttpRequestUriTooLong => internal("the runtime sends no URL of this length"),
        Code::HttpRequestHeaderSectionSize(_) | Code::HttpRequestHeaderSize(_) => {
            internal("the runtime sends no headers of this size")
        }
        Code::HttpRequestTrailerSectionSize(_) | Code::HttpRequestTrailerSize(_) => {
            internal("the runtime sends no trailers of this size")
        }
        Code::LoopDetected => internal("the runtime has found that the request comes back"),
        Code::ConfigurationError => internal("the runtime is not set up to send requests"),
        Code::InternalError(Some(why)) => Error::Internal(why),
        Code::InternalError(None) => internal("the runtime has failed"),
    }
}
