//! What a cipher suite and a version mean for the opening of records: IANA's registry, as `tls-parser` carries it.

use std::fmt;
use tls_parser::{
    TlsCipherAu, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite, TlsPRF,
};

/// A version of TLS as it is written on the wire: 0x0303 is TLS 1.2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// SSL 3.0 (RFC 6101).
    pub const SSL_3_0: Self = Self(0x0300);
    /// TLS 1.0 (RFC 2246).
    pub const TLS_1_0: Self = Self(0x0301);
    /// TLS 1.1 (RFC 4346).
    pub const TLS_1_1: Self = Self(0x0302);
    /// TLS 1.2 (RFC 5246).
    pub const TLS_1_2: Self = Self(0x0303);
    /// TLS 1.3 (RFC 8446).
    pub const TLS_1_3: Self = Self(0x0304);
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SSL_3_0 => f.write_str("SSL 3.0"),
            Self::TLS_1_0 => f.write_str("TLS 1.0"),
            Self::TLS_1_1 => f.write_str("TLS 1.1"),
            Self::TLS_1_2 => f.write_str("TLS 1.2"),
            Self::TLS_1_3 => f.write_str("TLS 1.3"),
            Self(other) => write!(f, "0x{other:04x}"),
        }
    }
}

impl fmt::Debug for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A cipher suite by its number; written with the name that IANA gave it, or as a number when it has none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CipherSuite(pub u16);

impl CipherSuite {
    /// The name that IANA gave it; `None` when the number is not registered.
    pub fn name(self) -> Option<&'static str> {
        TlsCipherSuite::from_id(self.0).map(|it| it.name)
    }
}

impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl fmt::Debug for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a number is one of those reserved so that servers learn to pass over what they do not know (RFC 8701 §2).
pub(super) const fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Bytes of its output.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// How the content of records is enciphered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Null,
    TripleDesCbc,
    Aes128Cbc,
    Aes256Cbc,
    Camellia128Cbc,
    Camellia256Cbc,
    Aes128Gcm,
    Aes256Gcm,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    ChaCha20Poly1305,
}

impl Cipher {
    /// Bytes of its key.
    pub(super) const fn key_size(self) -> usize {
        match self {
            Self::Null => 0,
            Self::Aes128Cbc
            | Self::Camellia128Cbc
            | Self::Aes128Gcm
            | Self::Aes128Ccm
            | Self::Aes128Ccm8 => 16,
            Self::TripleDesCbc => 24,
            Self::Aes256Cbc
            | Self::Camellia256Cbc
            | Self::Aes256Gcm
            | Self::Aes256Ccm
            | Self::Aes256Ccm8
            | Self::ChaCha20Poly1305 => 32,
        }
    }

    /// Bytes of the initialization vector that TLS 1.2 and older take from the key block: the fixed part of the nonce for
    /// AEAD ciphers (RFC 5288 §3, RFC 6655 §3, RFC 7905 §2), the block size for the others in TLS 1.0.
    pub(super) const fn fixed_iv_size(self, version: TlsVersion) -> usize {
        match self {
            Self::Aes128Gcm
            | Self::Aes256Gcm
            | Self::Aes128Ccm
            | Self::Aes256Ccm
            | Self::Aes128Ccm8
            | Self::Aes256Ccm8 => 4,
            Self::ChaCha20Poly1305 => 12,
            _ if version.0 > TlsVersion::TLS_1_0.0 => 0,
            Self::Null => 0,
            Self::TripleDesCbc => 8,
            Self::Aes128Cbc | Self::Aes256Cbc | Self::Camellia128Cbc | Self::Camellia256Cbc => 16,
        }
    }

    /// Bytes of its tag; `None` when it is no AEAD cipher.
    pub(super) const fn tag_size(self) -> Option<usize> {
        match self {
            Self::Aes128Gcm
            | Self::Aes256Gcm
            | Self::Aes128Ccm
            | Self::Aes256Ccm
            | Self::ChaCha20Poly1305 => Some(16),
            Self::Aes128Ccm8 | Self::Aes256Ccm8 => Some(8),
            _ => None,
        }
    }
}

/// What a cipher suite asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) cipher: Cipher,
    /// What authenticates the records; `None` when the cipher does.
    pub(super) mac: Option<Hash>,
    /// The hash of the key schedule, in TLS 1.2 and later.
    pub(super) hash: Hash,
    /// Whether the premaster secret is sent encrypted with the RSA key of the server (RFC 5246 §7.4.7.1).
    pub(super) rsa_key_exchange: bool,
    /// Whether it is a suite of TLS 1.3, and so none of earlier versions.
    pub(super) tls13: bool,
}

impl Suite {
    /// The parts of a suite; `None` when it is not registered or records protected with it cannot be opened here.
    pub(super) fn of(suite: CipherSuite) -> Option<Self> {
        use TlsCipherEncMode::{Cbc, Ccm, Gcm};
        let entry = TlsCipherSuite::from_id(suite.0)?;
        let short_tag = entry.name.contains("_CCM_8");
        let cipher = match (&entry.enc, &entry.enc_mode, entry.enc_size) {
            (TlsCipherEnc::Null, ..) if entry.mac != TlsCipherMac::Null => Cipher::Null,
            (TlsCipherEnc::TripleDes, Cbc, _) => Cipher::TripleDesCbc,
            (TlsCipherEnc::Aes, Cbc, 128) => Cipher::Aes128Cbc,
            (TlsCipherEnc::Aes, Cbc, 256) => Cipher::Aes256Cbc,
            (TlsCipherEnc::Camellia, Cbc, 128) => Cipher::Camellia128Cbc,
            (TlsCipherEnc::Camellia, Cbc, 256) => Cipher::Camellia256Cbc,
            (TlsCipherEnc::Aes, Gcm, 128) => Cipher::Aes128Gcm,
            (TlsCipherEnc::Aes, Gcm, 256) => Cipher::Aes256Gcm,
            (TlsCipherEnc::Aes, Ccm, 128) if short_tag => Cipher::Aes128Ccm8,
            (TlsCipherEnc::Aes, Ccm, 256) if short_tag => Cipher::Aes256Ccm8,
            (TlsCipherEnc::Aes, Ccm, 128) => Cipher::Aes128Ccm,
            (TlsCipherEnc::Aes, Ccm, 256) => Cipher::Aes256Ccm,
            (TlsCipherEnc::Chacha20_Poly1305, ..) => Cipher::ChaCha20Poly1305,
            _ => return None,
        };
        let mac = match entry.mac {
            TlsCipherMac::Aead => None,
            TlsCipherMac::HmacMd5 => Some(Hash::Md5),
            TlsCipherMac::HmacSha1 => Some(Hash::Sha1),
            TlsCipherMac::HmacSha256 => Some(Hash::Sha256),
            TlsCipherMac::HmacSha384 => Some(Hash::Sha384),
            TlsCipherMac::HmacSha512 | TlsCipherMac::Null => return None,
        };
        let hash = match entry.prf {
            // RFC 5246 §5: suites that name no PRF use SHA-256.
            TlsPRF::Default | TlsPRF::Sha256 => Hash::Sha256,
            TlsPRF::Sha384 => Hash::Sha384,
            _ => return None,
        };
        let tls13 = entry.kx == TlsCipherKx::Tls13;
        // RFC 9150's suites of TLS 1.3 without encryption have a record of their own form.
        if mac.is_some() == cipher.tag_size().is_some() || tls13 && mac.is_some() {
            return None;
        }
        Some(Self {
            cipher,
            mac,
            hash,
            rsa_key_exchange: entry.kx == TlsCipherKx::Rsa && entry.au == TlsCipherAu::Rsa,
            tls13,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_registry_says_agrees_with_the_name() {
        let mut opened = 0;
        for id in 0..=u16::MAX {
            let (Some(name), Some(suite)) = (CipherSuite(id).name(), Suite::of(CipherSuite(id)))
            else {
                continue;
            };
            opened += 1;
            let cipher = match suite.cipher {
                Cipher::Null => "NULL",
                Cipher::TripleDesCbc => "3DES_EDE_CBC",
                Cipher::Aes128Cbc => "AES_128_CBC",
                Cipher::Aes256Cbc => "AES_256_CBC",
                Cipher::Camellia128Cbc => "CAMELLIA_128_CBC",
                Cipher::Camellia256Cbc => "CAMELLIA_256_CBC",
                Cipher::Aes128Gcm => "AES_128_GCM",
                Cipher::Aes256Gcm => "AES_256_GCM",
                Cipher::Aes128Ccm => "AES_128_CCM",
                Cipher::Aes256Ccm => "AES_256_CCM",
                Cipher::Aes128Ccm8 => "AES_128_CCM_8",
                Cipher::Aes256Ccm8 => "AES_256_CCM_8",
                Cipher::ChaCha20Poly1305 => "CHACHA20_POLY1305",
            };
            assert!(name.contains(cipher), "{name}");
            if suite.cipher.tag_size() == Some(16) {
                assert!(!name.ends_with("CCM_8"), "{name}");
            }
            let mac = match suite.mac {
                Some(Hash::Md5) => "_MD5",
                Some(Hash::Sha1) => "_SHA",
                Some(Hash::Sha256) => "_SHA256",
                Some(Hash::Sha384) => "_SHA384",
                None => "",
            };
            assert!(name.ends_with(mac), "{name}");
            assert_eq!(
                name.ends_with("_SHA384"),
                suite.hash == Hash::Sha384,
                "{name}"
            );
            assert_eq!(
                name.starts_with("TLS_RSA_WITH"),
                suite.rsa_key_exchange,
                "{name}"
            );
            assert_eq!(!name.contains("_WITH_"), suite.tls13, "{name}");
        }
        assert!(opened > 150, "{opened}");
    }

    #[test]
    fn what_cannot_be_opened_is_known_as_such() {
        // RC4, DES, no suite at all, GREASE, RFC 9150's integrity-only suite of TLS 1.3.
        for id in [0x0005, 0x0009, 0x0000, 0x0a0a, 0xc0b4] {
            assert_eq!(Suite::of(CipherSuite(id)), None, "{:?}", CipherSuite(id));
        }
        assert_eq!(CipherSuite(0x0a0a).to_string(), "0x0a0a");
        assert!(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0a1a));
    }
}
