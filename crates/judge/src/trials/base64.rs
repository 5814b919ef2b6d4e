//! Base64 both ways (RFC 4648, standard alphabet): one attack writes it, and the judge that believes everything reads it.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes, with padding.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len().div_ceil(3) * 4);
    for group in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, i| bits << 8 | u32::from(group.get(i).copied().unwrap_or(0)));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) & 63;
            out.push(if place <= group.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}

/// Decodes text; `None` where it is none.
pub(crate) fn decode(code: &str) -> Option<String> {
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(code.len() * 3 / 4), 0_u32, 0);
    for c in code.trim_end_matches('=').bytes() {
        let sextet = u32::try_from(ALPHABET.iter().position(|&a| a == c)?).ok()?;
        (bits, held) = ((bits << 6 | sextet) & 0xfff, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use proptest::prelude::*;

    #[test]
    fn known_pairs() {
        let check = |text: &str, code: &str| {
            assert_eq!(encode(text), code);
            assert_eq!(decode(code).as_deref(), Some(text));
        };
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("foobar", "Zm9vYmFy");
        assert_eq!(decode("no base64!"), None);
    }

    proptest! {
        #[test]
        fn there_and_back(text: String) {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }

        #[test]
        fn never_panics(text: String) {
            let _ = decode(&text);
        }
    }
}
