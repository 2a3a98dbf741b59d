//! Detects a secret in a response. A server may repeat the content of a request, in the encoding of
//! the software that it passes through.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

/// The number of encodings that are decoded: JSON in JSON in a form has been observed.
const LAYERS: usize = 3;

/// Returns whether a text contains a secret, literally or encoded for a URL, a form, JSON, HTML or
/// HTTP Basic. A text that may contain it but cannot be decoded counts as if it did.
pub(crate) fn repeats(text: &str, secret: &str) -> bool {
    let secret = secret.trim();
    if secret.is_empty() {
        return false;
    }
    let cores = cores(secret);
    let secret = secret.to_lowercase();
    let mut texts = vec![text.to_owned()];
    for _ in 0..=LAYERS {
        let contains = |text: &String| {
            text.to_lowercase().contains(&secret) || cores.iter().any(|core| text.contains(core))
        };
        if texts.iter().any(contains) {
            return true;
        }
        let mut decoded = Vec::new();
        for text in &texts {
            let Some(html) = without_entities(text) else { return true };
            let form = text.replace('+', " ");
            let url = |text| percent_decode_str(text).decode_utf8_lossy();
            let all = [url(text), url(&form), without_escapes(text).into(), html.into()];
            decoded.extend(all.into_iter().map(Cow::into_owned).filter(|it| it != text));
        }
        decoded.sort();
        decoded.dedup();
        texts = decoded;
    }
    false
}

/// Returns texts of which one occurs in every Base64 text that contains the secret, at whatever
/// position.
fn cores(secret: &str) -> Vec<String> {
    let mut cores = Vec::new();
    for before in 0..3_usize {
        let bytes = [vec![0; before], secret.into()].concat();
        let (begin, end) = ((before * 4).div_ceil(3), bytes.len() * 4 / 3);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            // Texts of two or three characters would match by chance.
            let core = text.get(begin..end).filter(|core| core.len() > 3);
            cores.extend(core.map(ToOwned::to_owned));
        }
    }
    cores
}

/// Replaces the escapes of JSON and of similar notations.
fn without_escapes(text: &str) -> String {
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let hexadecimal = |digits: usize, rest: &str| {
            let number = rest.get(1..=digits)?;
            u16::from_str_radix(number, 16).ok().map(|unit| (unit, 1 + digits))
        };
        let escaped = match (c, rest.chars().next()) {
            ('\\', Some('u')) => hexadecimal(4, rest),
            ('\\', Some('x')) => hexadecimal(2, rest),
            ('\\', Some('n')) => Some((u16::from(b'\n'), 1)),
            ('\\', Some('r')) => Some((u16::from(b'\r'), 1)),
            ('\\', Some('t')) => Some((u16::from(b'\t'), 1)),
            ('\\', Some('b')) => Some((8, 1)),
            ('\\', Some('f')) => Some((12, 1)),
            // Any other escaped character stands for itself.
            ('\\', Some(next)) => {
                units.extend(next.encode_utf16(&mut [0; 2]).iter());
                rest = &rest[next.len_utf8()..];
                continue;
            }
            _ => None,
        };
        match escaped {
            Some((unit, length)) => {
                units.push(unit);
                rest = &rest[length..];
            }
            None => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
        }
    }
    String::from_utf16_lossy(&units)
}

/// Replaces HTML's entities. Returns nothing if one of them is unknown, because it may stand for
/// any character.
fn without_entities(text: &str) -> Option<String> {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split_once(';').filter(|(name, _)| {
            let name = name.strip_prefix('#').unwrap_or(name);
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let Some((name, rest)) = name else {
            plain.push('&');
            plain += part;
            continue;
        };
        let number = |digits: &str| match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => digits.parse().ok(),
        };
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => ' ',
            _ => char::from_u32(number(name.strip_prefix('#')?)?)?,
        });
        plain += rest;
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p&ss \"wörd\"/1+\\😀";

    #[test]
    fn a_secret_is_found_in_every_encoding() {
        let json = serde_json::to_string(SECRET).unwrap();
        let units: String = SECRET.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        let bytes = |format: fn(u8) -> String| SECRET.bytes().map(format).collect::<String>();
        let numbers = |format: fn(u32) -> String| {
            SECRET.chars().map(|c| format(u32::from(c))).collect::<String>()
        };
        let url = bytes(|byte| format!("%{byte:02x}"));
        let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let html = SECRET.replace('&', "&amp;").replace('"', "&quot;");
        let basic = STANDARD_NO_PAD.encode(format!("admin:{SECRET}"));
        for text in [
            SECRET.to_owned(),
            SECRET.to_uppercase(),
            json.clone(),
            serde_json::to_string(&json).unwrap(),
            units,
            format!("in%20a%20URL:{url}"),
            url.replace('%', "%25"),
            form.clone(),
            form.replace('%', "&#37;"),
            html.clone(),
            html.replace('&', "&amp;"),
            SECRET.replace('&', "&AMP;"),
            numbers(|c| format!("&#{c};")),
            numbers(|c| format!("&#x{c:X};")),
            basic.clone(),
            format!("Authorization: Basic {basic}="),
            URL_SAFE_NO_PAD.encode(format!("1:{SECRET}:2")),
            URL_SAFE_NO_PAD.encode(format!("user:{SECRET}")),
        ] {
            assert!(repeats(&format!("no such user: {text}!"), SECRET), "{text}");
        }
    }

    #[test]
    fn escaped_control_characters_are_found() {
        let secret = "a\nb\rc\td\u{8}e\u{c}f";
        assert!(repeats(&serde_json::to_string(secret).unwrap(), secret));
        assert!(repeats(r"a\x0Ab\x0dc\x09d\x08e\x0Cf", secret));
    }

    #[test]
    fn other_texts_do_not_contain_the_secret() {
        let base64 = STANDARD_NO_PAD.encode(SECRET);
        for text in [
            "",
            "Unauthorized",
            "Invalid username or password.",
            "100% & more; a+b, &; \\ \\u12 %zz &;",
            "YWRtaW46cGFzc3dvcmQ=",
            "&lt;a title=&quot;x&amp;y&quot;&gt;&apos;&nbsp;&#38;",
            &base64[..base64.len() - 2],
        ] {
            assert!(!repeats(text, SECRET), "{text}");
        }
        assert!(!repeats("anything", " "));
    }

    /// Three characters of a Base64 text are those of a short secret by chance.
    #[test]
    fn a_short_secret_is_found_by_more_than_three_characters() {
        assert_eq!(cores("abc"), ["YWJj"; 2]);
        assert!(repeats(&STANDARD_NO_PAD.encode("abc"), "abc"));
        assert!(!repeats(&STANDARD_NO_PAD.encode("_abc"), "abc"));
    }
}
