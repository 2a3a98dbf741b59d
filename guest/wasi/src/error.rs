//! Translates errors of `wasi:http` into those of the contract.

use wasip2::http::types::ErrorCode;

use janitor_contract::types::Error;

/// Translates an error.
pub fn meaning(code: ErrorCode) -> Error {
    use ErrorCode as Code;
    let connect = |why: &str| Error::Connect(why.into());
    let protocol = |why: &str| Error::Protocol(why.into());
    let internal = |why: &str| Error::Internal(why.into());
    match code {
        Code::DnsTimeout | Code::DnsError(_) | Code::DestinationNotFound => Error::Dns,
        Code::ConnectionRefused => connect("connection refused"),
        Code::ConnectionTimeout => connect("the connection timed out"),
        Code::ConnectionLimitReached => connect("the runtime has too many connections"),
        Code::DestinationIpProhibited => connect("the runtime does not allow this address"),
        Code::DestinationUnavailable | Code::DestinationIpUnroutable => {
            connect("the server is unreachable")
        }
        Code::TlsCertificateError => Error::Tls("the certificate was rejected".into()),
        Code::TlsProtocolError | Code::TlsAlertReceived(_) => {
            Error::Tls("the handshake failed".into())
        }
        Code::ConnectionReadTimeout | Code::ConnectionWriteTimeout | Code::HttpResponseTimeout => {
            Error::Timeout
        }
        Code::ConnectionTerminated | Code::HttpResponseIncomplete => Error::Reset,
        Code::HttpProtocolError => protocol("it violates the protocol"),
        Code::HttpUpgradeFailed => protocol("the protocol upgrade failed"),
        Code::HttpResponseHeaderSectionSize(_) | Code::HttpResponseHeaderSize(_) => {
            protocol("its headers are larger than the runtime accepts")
        }
        Code::HttpResponseBodySize(_) => protocol("its body is larger than the runtime accepts"),
        Code::HttpResponseTrailerSectionSize(_) | Code::HttpResponseTrailerSize(_) => {
            protocol("its trailers are larger than the runtime accepts")
        }
        Code::HttpResponseTransferCoding(_) => {
            protocol("the runtime does not support its transfer coding")
        }
        Code::HttpResponseContentCoding(_) => {
            protocol("the runtime does not support its content coding")
        }
        Code::HttpRequestDenied => internal("the runtime denied this request"),
        Code::HttpRequestLengthRequired => internal("the runtime requires the request's length"),
        Code::HttpRequestBodySize(_) => internal("the runtime sends no body of this size"),
        Code::HttpRequestMethodInvalid => internal("the runtime rejects the method"),
        Code::HttpRequestUriInvalid => internal("the runtime rejects the URL"),
        Code::HttpRequestUriTooLong => internal("the runtime sends no URL of this length"),
        Code::HttpRequestHeaderSectionSize(_) | Code::HttpRequestHeaderSize(_) => {
            internal("the runtime sends no headers of this size")
        }
        Code::HttpRequestTrailerSectionSize(_) | Code::HttpRequestTrailerSize(_) => {
            internal("the runtime sends no trailers of this size")
        }
        Code::LoopDetected => internal("the runtime detected a loop"),
        Code::ConfigurationError => internal("the runtime is not set up to send requests"),
        Code::InternalError(Some(why)) => Error::Internal(why),
        Code::InternalError(None) => internal("the runtime failed"),
    }
}
