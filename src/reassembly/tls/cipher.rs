//! Opens single records with the keys of one direction, by RustCrypto's ciphers: what does not authenticate is not given
//! out. Time is no secret here: whoever has the keys may see how long their use takes.

use super::record::{ContentType, HEADER, Record};
use super::schedule::{self, Secret};
use super::suite::{Cipher, Hash, Suite, TlsVersion};
use aes::{Aes128, Aes256};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use camellia::{Camellia128, Camellia256};
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit};
use ccm::Ccm;
use ccm::aead::array::Array;
use ccm::aead::array::typenum::Unsigned;
use ccm::aead::consts::{U8, U12, U16};
use ccm::aead::{AeadCore, AeadInOut};
use chacha20poly1305::ChaCha20Poly1305;
use des::TdesEde3;

/// What was inside a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) kind: ContentType,
    pub(super) content: Vec<u8>,
}

/// The keys of one direction.
pub(super) enum Opener {
    /// TLS 1.2 with an AEAD cipher (RFC 5246 §6.2.3.3).
    Aead12 {
        cipher: Box<dyn Aead>,
        iv: Secret,
        /// Whether eight bytes of the nonce come with each record (RFC 5288 §3).
        explicit: bool,
    },
    /// TLS 1.3 (RFC 8446 §5.2).
    Aead13 { cipher: Box<dyn Aead>, iv: Secret },
    /// TLS 1.2 and older with a block cipher in CBC mode, or with none at all.
    Mac {
        /// `None` for the suites that encrypt nothing.
        block: Option<Box<dyn Block>>,
        hash: Hash,
        key: Secret,
        /// What TLS 1.0 goes on from; `None` when each record brings its own initialization vector.
        chained: Option<Chain>,
        /// Whether the MAC is over the ciphertext (RFC 7366).
        encrypt_then_mac: bool,
    },
}

/// The last block of the record before (RFC 2246 §6.2.3.2).
pub(super) struct Chain {
    block: Vec<u8>,
    /// Whether it is certain to be what was sent: with encrypt-then-MAC nothing else would show that it is not.
    certain: bool,
    /// Whether the record in hand is certain to be what was sent.
    authentic: bool,
}

impl Opener {
    /// The keys of TLS 1.2 and older for one direction: parts of the key block (RFC 5246 §6.3).
    pub(super) fn of_key_block(
        suite: Suite,
        version: TlsVersion,
        encrypt_then_mac: bool,
        mac: &[u8],
        key: &[u8],
        iv: &[u8],
    ) -> Option<Self> {
        if suite.cipher.tag_size().is_some() {
            return Some(Self::Aead12 {
                cipher: aead(suite.cipher, key)?,
                iv: Secret::new(iv.to_vec()),
                explicit: iv.len() == 4,
            });
        }
        let block = block(suite.cipher, key);
        if block.is_none() && suite.cipher != Cipher::Null {
            return None;
        }
        Some(Self::Mac {
            hash: suite.mac?,
            key: Secret::new(mac.to_vec()),
            chained: (version <= TlsVersion::TLS_1_0 && block.is_some()).then(|| Chain {
                block: iv.to_vec(),
                certain: true,
                authentic: false,
            }),
            encrypt_then_mac: encrypt_then_mac && block.is_some(),
            block,
        })
    }

    /// The keys that a traffic secret of TLS 1.3 gives (RFC 8446 §7.3).
    pub(super) fn of_traffic_secret(suite: Suite, secret: &[u8]) -> Option<Self> {
        let size = suite.cipher.key_size();
        let key = schedule::expand_label(suite.hash, secret, b"key", size)?;
        Some(Self::Aead13 {
            cipher: aead(suite.cipher, key.bytes())?,
            iv: schedule::expand_label(suite.hash, secret, b"iv", 12)?,
        })
    }

    /// What is in a record; `None` when it does not authenticate as the one with this sequence number.
    pub(super) fn open(&mut self, record: &Record<'_>, seq: u64) -> Option<Plain> {
        match self {
            Self::Aead13 { cipher, iv } => {
                let nonce = nonce_with_seq(iv.bytes(), seq)?;
                let inner = cipher.open(&nonce, &record.header, record.content)?;
                // RFC 8446 §5.2: the type is the last byte that is not zero, behind it is padding.
                let at = inner.iter().rposition(|&byte| byte != 0)?;
                let kind = ContentType::of(*inner.get(at)?)?;
                let mut content = inner;
                content.truncate(at);
                Some(Plain { kind, content })
            }
            Self::Aead12 {
                cipher,
                iv,
                explicit,
            } => {
                let (nonce, sealed) = if *explicit {
                    let (front, sealed) = record.content.split_at_checked(8)?;
                    ([iv.bytes(), front].concat(), sealed)
                } else {
                    (nonce_with_seq(iv.bytes(), seq)?, record.content)
                };
                let size = sealed.len().checked_sub(cipher.tag_size())?;
                let covered = covered(record, seq, size)?;
                let content = cipher.open(&nonce, &covered, sealed)?;
                Some(Plain {
                    kind: record.kind,
                    content,
                })
            }
            Self::Mac {
                block,
                hash,
                key,
                chained,
                encrypt_then_mac,
            } => {
                let mut rest = record.content;
                if *encrypt_then_mac {
                    // RFC 7366 §3: over the initialization vector and the ciphertext.
                    let (sealed, mac) =
                        rest.split_at_checked(rest.len().checked_sub(hash.size())?)?;
                    let covered = covered(record, seq, sealed.len())?;
                    if schedule::hmac(*hash, key.bytes(), &[&covered, sealed]) != mac {
                        return None;
                    }
                    rest = sealed;
                    if let Some(chain) = chained {
                        chain.authentic = true;
                        if !chain.certain {
                            return None;
                        }
                    }
                }
                let mut content = match block {
                    None => rest.to_vec(),
                    Some(block) => {
                        let chained = chained.as_ref().map(|it| it.block.as_slice());
                        decipher(&**block, chained, rest)?
                    }
                };
                if !*encrypt_then_mac {
                    let mac = content.split_off(content.len().checked_sub(hash.size())?);
                    let covered = covered(record, seq, content.len())?;
                    if schedule::hmac(*hash, key.bytes(), &[&covered, &content]) != mac {
                        return None;
                    }
                }
                Some(Plain {
                    kind: record.kind,
                    content,
                })
            }
        }
    }

    /// Notes that a record has gone by, opened or not: TLS 1.0 goes on from its last block.
    pub(super) fn passed(&mut self, record: &Record<'_>) {
        if let Self::Mac {
            chained: Some(chain),
            hash,
            encrypt_then_mac,
            ..
        } = self
        {
            let behind = if *encrypt_then_mac { hash.size() } else { 0 };
            let end = record.content.len().saturating_sub(behind);
            let last = record.content.get(..end).unwrap_or_default();
            let last = last.get(last.len().saturating_sub(chain.block.len())..);
            if let Some(last) = last.filter(|it| it.len() == chain.block.len()) {
                chain.block.copy_from_slice(last);
            }
            chain.certain = chain.authentic;
            chain.authentic = false;
        }
    }

    /// Notes that records are missing before the next.
    pub(super) fn lost(&mut self) {
        if let Self::Mac {
            chained: Some(chain),
            ..
        } = self
        {
            chain.certain = false;
        }
    }

    /// The part of the nonce that came with a record, which most senders count up; `None` when there is none.
    pub(super) fn explicit_nonce(&self, record: &Record<'_>) -> Option<u64> {
        match self {
            Self::Aead12 { explicit: true, .. } => record
                .content
                .first_chunk()
                .map(|it| u64::from_be_bytes(*it)),
            _ => None,
        }
    }
}

/// The sequence number, padded and combined with the initialization vector (RFC 8446 §5.3, RFC 7905 §2).
fn nonce_with_seq(iv: &[u8], seq: u64) -> Option<Vec<u8>> {
    let mut nonce = iv.to_vec();
    let tail = nonce.last_chunk_mut::<8>()?;
    *tail = (u64::from_be_bytes(*tail) ^ seq).to_be_bytes();
    Some(nonce)
}

/// What the MAC or the tag covers before the content (RFC 5246 §6.2.3.1, §6.2.3.3): sequence number, type, version, length.
fn covered(record: &Record<'_>, seq: u64, size: usize) -> Option<[u8; 8 + HEADER]> {
    let [kind, major, minor, ..] = record.header;
    let [high, low] = u16::try_from(size).ok()?.to_be_bytes();
    let mut covered = [0; 8 + HEADER];
    let (front, back) = covered.split_first_chunk_mut::<8>()?;
    *front = seq.to_be_bytes();
    back.copy_from_slice(&[kind, major, minor, high, low]);
    Some(covered)
}

/// Deciphers blocks and takes their padding off (RFC 5246 §6.2.3.2): every byte of it must be its length.
fn decipher(block: &dyn Block, chained: Option<&[u8]>, content: &[u8]) -> Option<Vec<u8>> {
    let (iv, sealed) = match chained {
        Some(iv) => (iv, content),
        None => content.split_at_checked(block.size())?,
    };
    let mut plain = sealed.to_vec();
    block.decipher(iv, &mut plain)?;
    let padding = usize::from(*plain.last()?) + 1;
    let behind = plain.split_off(plain.len().checked_sub(padding)?);
    behind
        .iter()
        .all(|&byte| usize::from(byte) + 1 == padding)
        .then_some(plain)
}

/// An AEAD cipher with its key.
pub(super) trait Aead: Send + Sync {
    fn tag_size(&self) -> usize;
    fn open(&self, nonce: &[u8], covered: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}

impl<A: AeadCore + AeadInOut + Send + Sync> Aead for A {
    fn tag_size(&self) -> usize {
        A::TagSize::USIZE
    }

    fn open(&self, nonce: &[u8], covered: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let at = sealed.len().checked_sub(A::TagSize::USIZE)?;
        let (sealed, tag) = sealed.split_at_checked(at)?;
        let nonce = Array::try_from(nonce).ok()?;
        let tag = Array::try_from(tag).ok()?;
        let mut content = sealed.to_vec();
        self.decrypt_inout_detached(&nonce, covered, content.as_mut_slice().into(), &tag)
            .ok()?;
        Some(content)
    }
}

fn aead(cipher: Cipher, key: &[u8]) -> Option<Box<dyn Aead>> {
    fn with<A: KeyInit + Aead + 'static>(key: &[u8]) -> Option<Box<dyn Aead>> {
        Some(Box::new(A::new_from_slice(key).ok()?))
    }
    match cipher {
        Cipher::Aes128Gcm => with::<Aes128Gcm>(key),
        Cipher::Aes256Gcm => with::<Aes256Gcm>(key),
        Cipher::Aes128Ccm => with::<Ccm<Aes128, U16, U12>>(key),
        Cipher::Aes256Ccm => with::<Ccm<Aes256, U16, U12>>(key),
        Cipher::Aes128Ccm8 => with::<Ccm<Aes128, U8, U12>>(key),
        Cipher::Aes256Ccm8 => with::<Ccm<Aes256, U8, U12>>(key),
        Cipher::ChaCha20Poly1305 => with::<ChaCha20Poly1305>(key),
        _ => None,
    }
}

/// A block cipher with its key, in CBC mode.
pub(super) trait Block: Send + Sync {
    /// Bytes of a block.
    fn size(&self) -> usize;
    /// Deciphers whole blocks in place; `None` when they are not whole.
    fn decipher(&self, iv: &[u8], blocks: &mut [u8]) -> Option<()>;
}

impl<C: BlockCipherDecrypt + Send + Sync> Block for C {
    fn size(&self) -> usize {
        C::block_size()
    }

    fn decipher(&self, iv: &[u8], blocks: &mut [u8]) -> Option<()> {
        let iv = Array::try_from(iv).ok()?;
        let (blocks, rest) = Array::slice_as_chunks_mut(blocks);
        if !rest.is_empty() || blocks.is_empty() {
            return None;
        }
        cbc::Decryptor::<&C>::inner_iv_init(self, &iv).decrypt_blocks(blocks);
        Some(())
    }
}

fn block(cipher: Cipher, key: &[u8]) -> Option<Box<dyn Block>> {
    fn with<C: KeyInit + Block + 'static>(key: &[u8]) -> Option<Box<dyn Block>> {
        Some(Box::new(C::new_from_slice(key).ok()?))
    }
    match cipher {
        Cipher::TripleDesCbc => with::<TdesEde3>(key),
        Cipher::Aes128Cbc => with::<Aes128>(key),
        Cipher::Aes256Cbc => with::<Aes256>(key),
        Cipher::Camellia128Cbc => with::<Camellia128>(key),
        Cipher::Camellia256Cbc => with::<Camellia256>(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::CipherSuite;
    use super::*;

    /// The record with number 3, with OpenSSL's 3DES and Python's HMAC: 24 key bytes from 0 on, 20 MAC key bytes of 1, more
    /// padding than the block size asks for.
    const TRIPLE_DES: &str = "17030300506465666768696a6bae06fe403df132f7f251e92e5d1998f2c82348006dadb6a3715fce04f3aee408f982281f9a\
        ca1bf5bd0578ee054dc1cca279d1a15c058721fa0c4cc8bee29a612dbe48b05f73f234";

    fn content() -> Vec<u8> {
        let text = TRIPLE_DES.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        text.chunks(2).map(|it| byte(it).unwrap()).collect()
    }

    fn open(bytes: &[u8], seq: u64) -> Option<Plain> {
        let suite = Suite::of(CipherSuite(0x000a)).unwrap();
        let key: Vec<u8> = (0..24).collect();
        let version = TlsVersion::TLS_1_2;
        let mut opener = Opener::of_key_block(suite, version, false, &[1; 20], &key, &[]).unwrap();
        let record = Record {
            kind: ContentType::of(bytes[0]).unwrap(),
            header: *bytes.first_chunk().unwrap(),
            content: &bytes[HEADER..],
        };
        opener.open(&record, seq)
    }

    #[test]
    fn triple_des_records_are_opened() {
        let plain = open(&content(), 3).unwrap();
        assert_eq!(plain.kind, ContentType::ApplicationData);
        assert_eq!(
            plain.content,
            b"OPTIONS sip:sip.example.com SIP/2.0\r\n\r\n"
        );
    }

    #[test]
    fn nothing_that_was_changed_or_stands_elsewhere_is_opened() {
        let bytes = content();
        assert_eq!(open(&bytes, 4), None);
        for at in (0..bytes.len()).filter(|at| !matches!(at, 3 | 4)) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            if ContentType::of(bytes[0]).is_some() {
                assert_eq!(open(&bytes, 3), None, "byte {at}");
            }
        }
        for size in HEADER..bytes.len() {
            assert_eq!(open(&bytes[..size], 3), None, "cut at {size}");
        }
    }
}
