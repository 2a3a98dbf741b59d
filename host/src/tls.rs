//! Whom to trust, and who to be, where servers are reached over TLS.

use std::fmt;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// Whom to trust, and who to be. By default: the public certificate
/// authorities, and nobody in particular.
#[derive(Clone, Default)]
pub struct Tls {
    authorities: Option<Vec<Certificate<'static>>>,
    identity: Option<ClientCert>,
    unverified: bool,
}

/// Something that is no certificate or key.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// The text holds something that cannot be read.
    #[error("it is no PEM: {0}")]
    Pem(String),
    /// There is no certificate in it.
    #[error("it holds no certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// There is no private key in it.
    #[error("it holds no private key (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
}

impl Tls {
    /// Trusts these authorities, and no others.
    ///
    /// # Errors
    /// When there is no certificate in the text.
    pub fn with_authorities(self, pem: &[u8]) -> Result<Self, TlsError> {
        let (authorities, _) = read(pem)?;
        if authorities.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        Ok(Self { authorities: Some(authorities), ..self })
    }

    /// Shows this certificate, with the chain that follows it, to servers that
    /// want one.
    ///
    /// # Errors
    /// When there is no certificate or no private key in the texts.
    pub fn with_identity(self, certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let (chain, _) = read(certificates)?;
        let (_, key) = read(key)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let identity = ClientCert::new_with_certs(&chain, key.ok_or(TlsError::NoKey)?);
        Ok(Self { identity: Some(identity), ..self })
    }

    /// Trusts everyone: whoever is on the way to a server may read the
    /// credentials, and answer in its place.
    #[must_use]
    pub fn without_verification(self) -> Self {
        Self { unverified: true, ..self }
    }

    pub(crate) fn config(&self) -> TlsConfig {
        let mut config = TlsConfig::builder()
            .client_cert(self.identity.clone())
            .disable_verification(self.unverified);
        if let Some(authorities) = &self.authorities {
            config = config.root_certs(RootCerts::new_with_certs(authorities));
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

/// The certificates in a text, and the last private key.
pub(crate) fn read(
    pem: &[u8],
) -> Result<(Vec<Certificate<'static>>, Option<PrivateKey<'static>>), TlsError> {
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in parse_pem(pem) {
        match item.map_err(|why| TlsError::Pem(why.to_string()))? {
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
    fn what_is_no_certificate_is_refused() {
        let key = b"-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";
        let certificate = b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
        let tls = Tls::default;
        assert_eq!(tls().with_authorities(b"").err(), Some(TlsError::NoCertificate));
        assert_eq!(tls().with_authorities(key).err(), Some(TlsError::NoCertificate));
        assert_eq!(tls().with_identity(key, key).err(), Some(TlsError::NoCertificate));
        let no_key = tls().with_identity(certificate, certificate).err();
        assert_eq!(no_key, Some(TlsError::NoKey));
        let identity = tls().with_identity(certificate, key).unwrap();
        assert!(!format!("{identity:?}").contains("MA=="));
    }
}
