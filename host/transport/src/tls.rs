//! The trusted authorities and the client certificate, for servers that are reached over TLS.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{AlertDescription, CertificateError, InvalidMessage, RootCertStore};
use rustls::{SignatureAlgorithm, SignatureScheme};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// The trusted authorities, and the certificate that is presented to servers which request one. By
/// default these are the public authorities, and no certificate.
#[derive(Clone, Default)]
pub struct Tls {
    authorities: Option<Vec<Certificate<'static>>>,
    identity: Option<ClientCert>,
    /// The cryptography provider, if the identity does not work with the default one.
    provider: Option<Arc<CryptoProvider>>,
    unverified: bool,
}

/// The reason why a text cannot be used as a certificate or a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// It contains PEM that cannot be read.
    #[error("it is not PEM: {0}")]
    Pem(#[source] Box<dyn Error + Send + Sync>),
    /// It contains no certificate.
    #[error("it contains no certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// It contains no private key.
    #[error("it contains no private key (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// Its private key is encrypted.
    #[error(
        "its private key is encrypted; decrypt it first, with openssl pkey -in ENCRYPTED -out KEY"
    )]
    EncryptedKey,
    /// It contains certificates, and none of them can be that of an authority.
    #[error("it contains no certificate that can be an authority's")]
    NoAuthority,
    /// The key belongs to another certificate, or is of an unknown kind.
    #[error("the certificate and the key cannot be used together: {0}")]
    Unusable(#[source] Box<dyn Error + Send + Sync>),
}

impl Tls {
    /// Trusts these authorities, and no others.
    ///
    /// # Errors
    /// Fails if the text contains no certificate of an authority.
    pub fn with_authorities(self, pem: &[u8]) -> Result<Self, TlsError> {
        let (authorities, _) = read(pem)?;
        if authorities.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        // ureq would ignore certificates that cannot be read.
        let (usable, _) = RootCertStore::empty().add_parsable_certificates(der(&authorities));
        if usable == 0 {
            return Err(TlsError::NoAuthority);
        }
        Ok(Self { authorities: Some(authorities), ..self })
    }

    /// Presents this certificate, with the chain that follows it, to servers that request one.
    ///
    /// # Errors
    /// Fails if the texts contain no certificate or no private key, or if the two do not belong
    /// together.
    pub fn with_identity(self, certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let (chain, _) = read(certificates)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = private_key(key)?;
        // ureq checks this when it connects for the first time, and panics.
        let pair = PrivateKeyDer::try_from(key.der().to_vec())
            .map_err(|why| TlsError::Unusable(why.into()))?;
        let provider =
            match CertifiedKey::from_der(der(&chain).collect(), pair, &ring::default_provider()) {
                Ok(_) => None,
                Err(rustls::Error::InvalidCertificate(why)) if is_version_1(&why) => {
                    Some(Arc::new(unmatched()))
                }
                Err(why) => return Err(TlsError::Unusable(why.into())),
            };
        let identity = ClientCert::new_with_certs(&chain, key);
        Ok(Self { identity: Some(identity), provider, ..self })
    }

    /// Disables verification: anyone on the network path to a server can read the credentials, and
    /// answer in its place.
    #[must_use]
    pub fn without_verification(self) -> Self {
        Self { unverified: true, ..self }
    }

    /// Returns whether there is a client certificate.
    pub(crate) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    pub(crate) fn config(&self) -> TlsConfig {
        let mut config = TlsConfig::builder()
            .client_cert(self.identity.clone())
            .disable_verification(self.unverified);
        if let Some(authorities) = &self.authorities {
            config = config.root_certs(RootCerts::new_with_certs(authorities));
        }
        if let Some(provider) = &self.provider {
            config = config.unversioned_rustls_crypto_provider(provider.clone());
        }
        config.build()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.as_ref().map(Vec::len))
            .field("identity", &self.identity.as_ref().map(|_| "redacted"))
            .field("unverified", &self.unverified)
            .finish()
    }
}

/// The reason why there is no trusted connection to a server. An error of the contract has only its
/// text, which begins with the text of the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustFault {
    /// The server's certificate was issued by an authority that is not trusted.
    Issuer,
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// The server's certificate is for other names.
    OtherName,
    /// The server's certificate is of version 1.
    Version1,
    /// The server does not trust this client.
    ClientCertificate,
    /// The server does not speak TLS.
    NoTls,
}

impl TrustFault {
    const ALL: [Self; 7] = [
        Self::Issuer,
        Self::Expired,
        Self::NotYetValid,
        Self::OtherName,
        Self::Version1,
        Self::ClientCertificate,
        Self::NoTls,
    ];

    /// Returns the reason of an error, if it is one of these.
    pub fn of(error: &janitor_contract::types::Error) -> Option<Self> {
        match error {
            janitor_contract::types::Error::Tls(why) => {
                Self::ALL.into_iter().find(|it| why.starts_with(it.text()))
            }
            _ => None,
        }
    }

    /// The beginning of the description of an error with this reason.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Issuer => "its certificate was issued by an authority that is not trusted",
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::OtherName => "its certificate is another server's",
            Self::Version1 => {
                "its certificate is an X.509 certificate of version 1, which cannot be verified; \
                 the server needs one of version 3"
            }
            Self::ClientCertificate => "it requires a client certificate that it trusts",
            Self::NoTls => "it does not speak TLS",
        }
    }

    fn with(self, detail: impl fmt::Display) -> String {
        format!("{}: {detail}", self.text())
    }
}

/// Describes for the operator why a connection is not trusted.
pub(crate) fn explain(error: &rustls::Error) -> String {
    use CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(why) => match why {
            // The second case is an authority that was recreated: the same name with another key.
            Bad::UnknownIssuer | Bad::BadSignature => TrustFault::Issuer.text().into(),
            Bad::Expired => TrustFault::Expired.text().into(),
            Bad::ExpiredContext { not_after, .. } => {
                TrustFault::Expired.with(format!("it was valid until {}", date(*not_after)))
            }
            Bad::NotValidYet => TrustFault::NotYetValid.text().into(),
            Bad::NotValidYetContext { not_before, .. } => {
                TrustFault::NotYetValid.with(format!("it is valid from {}", date(*not_before)))
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                TrustFault::OtherName.with(error)
            }
            why if is_version_1(why) => TrustFault::Version1.text().into(),
            _ => error.to_string(),
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::DecryptError
            | AlertDescription::HandshakeFailure,
        ) => TrustFault::ClientCertificate.with(error),
        // The first bytes of a response in plain HTTP are not the header of a TLS record.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            TrustFault::NoTls.text().into()
        }
        _ => error.to_string(),
    }
}

/// Formats a date of a certificate.
fn date(time: UnixTime) -> String {
    match UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs())) {
        // The last time that the format can express is at the end of the year 9999.
        Some(at) if time.as_secs() < 253_402_300_800 => {
            humantime::format_rfc3339_seconds(at).to_string()
        }
        _ => "the year 10000 or later".into(),
    }
}

/// Returns whether a certificate cannot be read because it is of version 1, like those of DC/OS.
fn is_version_1(error: &CertificateError) -> bool {
    match error {
        CertificateError::Other(other) => {
            other.0.downcast_ref() == Some(&webpki::Error::UnsupportedCertVersion)
        }
        _ => false,
    }
}

/// Returns cryptography that does not compare a client certificate with its key. rustls cannot read
/// a certificate of version 1 to do so; servers can.
fn unmatched() -> CryptoProvider {
    CryptoProvider { key_provider: &Unmatched, ..ring::default_provider() }
}

#[derive(Debug)]
struct Unmatched;

impl KeyProvider for Unmatched {
    fn load_private_key(
        &self,
        key: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        let key = ring::default_provider().key_provider.load_private_key(key)?;
        Ok(Arc::new(UnmatchedKey(key)))
    }
}

/// A key that does not reveal its public half.
#[derive(Debug)]
struct UnmatchedKey(Arc<dyn SigningKey>);

impl SigningKey for UnmatchedKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        self.0.choose_scheme(offered)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

fn der<'a>(certificates: &'a [Certificate]) -> impl Iterator<Item = CertificateDer<'static>> + 'a {
    certificates.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec()))
}

/// Returns the private key in a text.
pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKey<'static>, TlsError> {
    // The first is PKCS#8, and the second the older format of OpenSSL.
    let text = String::from_utf8_lossy(pem);
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(TlsError::EncryptedKey);
    }
    let (_, key) = read(pem)?;
    key.ok_or(TlsError::NoKey)
}

/// Returns the certificates in a text, and the last private key.
fn read(pem: &[u8]) -> Result<(Vec<Certificate<'static>>, Option<PrivateKey<'static>>), TlsError> {
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in parse_pem(pem) {
        match item.map_err(|why| TlsError::Pem(why.into()))? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            PemItem::PrivateKey(found) => key = Some(found),
            _ => {}
        }
    }
    Ok((certificates, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_read_back_from_the_error() {
        use janitor_contract::types::Error;
        let time = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let expired = CertificateError::ExpiredContext { time: time(2), not_after: time(1) };
        let early =
            CertificateError::NotValidYetContext { time: time(1), not_before: time(86_400) };
        let late =
            CertificateError::NotValidYetContext { time: time(1), not_before: time(u64::MAX) };
        for (error, fault, text) in [
            (
                expired.into(),
                TrustFault::Expired,
                "its certificate has expired: it was valid until 1970-01-01T00:00:01Z",
            ),
            (
                rustls::Error::from(early),
                TrustFault::NotYetValid,
                "its certificate is not valid yet: it is valid from 1970-01-02T00:00:00Z",
            ),
            (
                late.into(),
                TrustFault::NotYetValid,
                "its certificate is not valid yet: it is valid from the year 10000 or later",
            ),
            (
                rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType),
                TrustFault::NoTls,
                "it does not speak TLS",
            ),
            (
                CertificateError::UnknownIssuer.into(),
                TrustFault::Issuer,
                "its certificate was issued by an authority that is not trusted",
            ),
        ] {
            let explained = explain(&error);
            assert_eq!(explained, text);
            assert_eq!(TrustFault::of(&Error::Tls(explained)), Some(fault));
        }
        for fault in TrustFault::ALL {
            assert_eq!(TrustFault::of(&Error::Tls(fault.with("x"))), Some(fault));
            assert_eq!(TrustFault::of(&Error::Connect(fault.text().into())), None);
        }
        assert_eq!(TrustFault::of(&Error::Tls("something else".into())), None);
    }

    #[test]
    fn invalid_certificates_and_keys_are_refused() {
        let key = b"-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";
        let certificate = b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
        let authorities = |pem: &[u8]| Tls::default().with_authorities(pem).unwrap_err();
        let identity = |certificates: &[u8], key: &[u8]| {
            Tls::default().with_identity(certificates, key).unwrap_err()
        };
        assert!(matches!(authorities(b""), TlsError::NoCertificate));
        assert!(matches!(authorities(key), TlsError::NoCertificate));
        assert!(matches!(identity(key, key), TlsError::NoCertificate));
        assert!(matches!(identity(certificate, certificate), TlsError::NoKey));
        assert!(matches!(authorities(certificate), TlsError::NoAuthority));
        for key in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n\
             MA==\n-----END RSA PRIVATE KEY-----\n",
        ] {
            assert!(matches!(identity(certificate, key.as_bytes()), TlsError::EncryptedKey));
        }
        let unusable = identity(certificate, key);
        assert!(matches!(unusable, TlsError::Unusable(_)), "{unusable}");
        assert!(!unusable.to_string().contains("MA=="));
    }
}
