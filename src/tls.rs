//! TLS for a run: a certificate made for it, and how both sides speak it. Resumption is off, so that
//! every new connection costs the same: a whole handshake of one round trip.

use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde::{Deserialize, Serialize};

/// The names a certificate of ours stands for: a run's servers listen on loopback.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A self-signed certificate as it goes over the wire, DER.
pub type Certificate = CertificateDer<'static>;

/// A server's side with a new certificate, and that certificate. The key never leaves the process.
///
/// # Errors
/// The machine gives no random numbers.
pub fn server() -> anyhow::Result<(Arc<ServerConfig>, Certificate)> {
    let made =
        rcgen::generate_simple_self_signed(NAMES.map(str::to_owned)).context("making a certificate")?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config =
        ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let mut config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key)?;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok((Arc::new(config), certificate))
}

/// Whom a client trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Nobody: it speaks no TLS.
    Nobody,
    /// These certificates and no others, DER.
    These(Vec<Vec<u8>>),
    /// Whom this machine trusts.
    Machine,
}

impl Trust {
    /// The client's side; none: it speaks no TLS.
    ///
    /// # Errors
    /// A certificate is none, or the machine has none to trust.
    pub fn client(&self) -> anyhow::Result<Option<Arc<ClientConfig>>> {
        match self {
            Self::Nobody => Ok(None),
            Self::These(all) => client(all.iter().cloned().map(Certificate::from)).map(Some),
            Self::Machine => visitor().map(Some),
        }
    }
}

/// A client's side that trusts these certificates and no others.
///
/// # Errors
/// One of them is no certificate.
pub fn client(trusted: impl IntoIterator<Item = Certificate>) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate)?;
    }
    let config =
        ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// A client's side that trusts nobody, for one that speaks no TLS.
#[must_use]
pub fn nobody() -> Arc<ClientConfig> {
    static NOBODY: LazyLock<Arc<ClientConfig>> =
        LazyLock::new(|| client([]).expect("a configuration without certificates"));
    NOBODY.clone()
}

/// A client's side that trusts whom this machine trusts.
///
/// # Errors
/// The machine has no certificates to trust.
pub fn visitor() -> anyhow::Result<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = config.with_platform_verifier()?.with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_certificate_is_new_and_can_be_trusted() {
        let ((_, one), (_, other)) = (server().unwrap(), server().unwrap());
        assert_ne!(one, other);
        assert!(client([one, other]).is_ok());
        assert!(client([Certificate::from(vec![1, 2, 3])]).is_err());
    }
}
