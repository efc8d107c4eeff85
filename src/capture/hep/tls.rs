//! The certificate with which HEP listeners speak TLS.

use crate::capture::CaptureError;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;

/// TLS 1.2 and 1.3 with this certificate; agents need none of their own.
pub(super) fn config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, CaptureError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(chain, error))?;
    if certificates.is_empty() {
        return Err(unreadable(chain, pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error))?;
    let wrong = |error: rustls::Error| CaptureError::Certificate {
        name: chain.display().to_string(),
        what: error.to_string(),
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(wrong)?;
    Ok(Arc::new(config))
}

fn unreadable(path: &Path, error: pem::Error) -> CaptureError {
    let name = path.display().to_string();
    match error {
        pem::Error::Io(error) => CaptureError::from_io(&name, error),
        pem::Error::NoItemsFound => CaptureError::Certificate {
            name,
            what: "there is no such PEM section in it".to_owned(),
        },
        error => CaptureError::Certificate {
            name,
            what: error.to_string(),
        },
    }
}
