//! Removes the parts of responses that a recording must not contain.
//!
//! Responses may contain secrets: the master lists the environment in which every task was started,
//! and Exhibitor returns the data of a node. In a JSON body, such values are replaced by
//! [`SCRUBBED`]. Every other byte stays unchanged, because the component sends the text of the
//! master back. Only the keys decide which values are replaced, and all rules are in this file. A
//! body that is not JSON, such as a login page, has no keys and is kept.

/// The text that replaces a value.
pub const SCRUBBED: &str = "\"(scrubbed)\"";

/// The keys of values with the parameters of tasks, or with the data of a ZooKeeper node. A
/// component needs none of them.
const PAYLOADS: [&str; 15] = [
    "args",
    "arguments",
    "bytes",
    "cmd",
    "command",
    "data",
    "env",
    "environment",
    "headers",
    "labels",
    "parameter",
    "parameters",
    "str",
    "uris",
    "variables",
];

/// The parts of keys that indicate a secret.
const SECRETS: [&str; 12] = [
    "accesskey",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passphrase",
    "passw",
    "privatekey",
    "pwd",
    "secret",
    "sessionid",
    "token",
];

/// The ends of keys below which nothing is replaced, such as `reserved_resources_full`. Roles and
/// resources are keys there, and may have any name. A recording is about reservations with their
/// labels, which are also in pending operations and in requests. A label is part of the identity of
/// a reservation, and not a secret.
const KEPT: [&str; 4] = ["resources", "resourcesfull", "reservation", "reservations"];

/// The treatment of the value of a key.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// The value is replaced, with everything below it.
    Scrub,
    /// The value is kept, with everything below it.
    Keep,
    /// The keys in the value decide.
    Look,
}

/// Returns the rule for a key. Case, `_`, `-` and `.` do not matter.
fn rule(key: &str) -> Rule {
    let key: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if KEPT.iter().any(|end| key.ends_with(end)) {
        Rule::Keep
    } else if PAYLOADS.contains(&key.as_str()) || SECRETS.iter().any(|part| key.contains(part)) {
        Rule::Scrub
    } else {
        Rule::Look
    }
}

/// Returns a body without its secrets. The body may be truncated anywhere.
pub fn scrub(body: &[u8]) -> Vec<u8> {
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(start, Some(b'{' | b'[')) {
        return body.into();
    }
    let mut scrubbed = Vec::with_capacity(body.len());
    let mut rest = body;
    // The string before this token, if it can be a key.
    let mut key = None;
    while let Some((token, after)) = token(rest) {
        rest = after;
        scrubbed.extend_from_slice(token);
        match token.first() {
            Some(b'"') => key = Some(token),
            Some(b':') => {
                let rule = key.take().map_or(Rule::Look, |key| rule(&text(key)));
                if rule != Rule::Look {
                    let (space, value, after) = value(rest);
                    rest = after;
                    scrubbed.extend_from_slice(space);
                    scrubbed.extend_from_slice(match rule {
                        Rule::Scrub if !value.is_empty() => SCRUBBED.as_bytes(),
                        _ => value,
                    });
                }
            }
            Some(byte) if byte.is_ascii_whitespace() => {}
            _ => key = None,
        }
    }
    scrubbed
}

/// Returns a key without its quotes. Escapes are decoded; an invalid key is returned unchanged.
fn text(key: &[u8]) -> String {
    serde_json::from_slice(key).unwrap_or_else(|_| String::from_utf8_lossy(key).into())
}

/// Splits off the first token: a string, a punctuation mark, white space, or anything else up to
/// one of these.
fn token(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_punctuation = |byte: &u8| b"{}[]:,".contains(byte);
    let length = match json.first()? {
        b'"' => string(json),
        byte if is_punctuation(byte) => 1,
        byte if byte.is_ascii_whitespace() => {
            json.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
        }
        _ => {
            let ends =
                |byte: &u8| *byte == b'"' || is_punctuation(byte) || byte.is_ascii_whitespace();
            json.iter().take_while(|byte| !ends(byte)).count()
        }
    };
    Some(json.split_at(length))
}

/// Returns the length of the string at the beginning. A truncated body may lack its closing quote.
fn string(json: &[u8]) -> usize {
    let mut escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}

/// Splits a body into white space, the value after it, and the rest. A truncated value ends with
/// the body.
fn value(json: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let space = json.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let (space, json) = json.split_at(space);
    let (mut depth, mut end, mut rest) = (0_usize, 0, json);
    while let Some((token, after)) = token(rest) {
        match token.first() {
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']' | b',') if depth == 0 => break,
            Some(b'}' | b']') => depth -= 1,
            _ => {}
        }
        rest = after;
        if !token.iter().all(u8::is_ascii_whitespace) {
            end = json.len() - rest.len();
        }
    }
    let (value, rest) = json.split_at(end);
    (space, value, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(body: &str) -> String {
        String::from_utf8(scrub(body.as_bytes())).unwrap()
    }

    #[test]
    fn only_secrets_are_replaced() {
        for (body, expected) in [
            (r#"{"token":"S"}"#, r#"{"token":"(scrubbed)"}"#),
            (
                " {\n \"a\\/b\" : 1.0e2,\t\"Auth-Token\" : \"S\\\"S\" , \"b\":[ ]}\n",
                " {\n \"a\\/b\" : 1.0e2,\t\"Auth-Token\" : \"(scrubbed)\" , \"b\":[ ]}\n",
            ),
            (
                r#"[{"environment":{"variables":[{"name":"A","value":"S}]"}]},"id":"1"}]"#,
                r#"[{"environment":"(scrubbed)","id":"1"}]"#,
            ),
            (r#"{"client_secret":1,"x":2}"#, r#"{"client_secret":"(scrubbed)","x":2}"#),
            (r#"{"PASSWD":[{"a":["S"]}],"x":2}"#, r#"{"PASSWD":"(scrubbed)","x":2}"#),
            (r#"{"pass\u0077ord":"S"}"#, r#"{"pass\u0077ord":"(scrubbed)"}"#),
            (r#"{"labels":[{"key":"k","value":"S"}]}"#, r#"{"labels":"(scrubbed)"}"#),
            (
                r#"{"bytes":"53","str":"S","stat":"v"}"#,
                r#"{"bytes":"(scrubbed)","str":"(scrubbed)","stat":"v"}"#,
            ),
        ] {
            assert_eq!(scrubbed(body), expected);
        }
    }

    #[test]
    fn values_that_the_component_reads_stay_unchanged() {
        for body in [
            r#"{"slaves":[{"id":"S0","hostname":"token.example","active":true,"version":"1.11.0"}]}"#,
            r#"{"recovered_slaves":[{"id":"S1","hostname":"h"}]}"#,
            r#"{"frameworks":[{"id":"F","name":"password","role":"secret","roles":["token"],"active":true}]}"#,
            // Roles and resources may have any name.
            r#"{"reserved_resources":{"secret":{"cpus":1,"tokens":2}},"resources":{"tokens":5}}"#,
            r#"{"reserved_resources_full":{"env":[{"role":"env"}],"password":[{"role":"password"}]}}"#,
            // Labels are part of a reservation.
            r#"{"reserved_resources_full":{"r":[{"reservation":{"labels":{"labels":[{"key":"token","value":"v"}]}}}]}}"#,
            r#"{"unreserved_resources_full":[{"disk":{"source":{"metadata":{"labels":[]}}}}]}"#,
            r#"{"destroy":{"volumes":[{"reservations":[{"labels":{"labels":[{"key":"token"}]}}]}]}}"#,
            r#"[{"title":"token","isFolder":true,"key":"/token"}]"#,
            r#"{"message":"the token: \"secret\": x","succeeded":true}"#,
            r#"["token","x"]"#,
        ] {
            assert_eq!(scrubbed(body), body);
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_kept() {
        for body in [
            &b""[..],
            b"<html>Log in: <script>x = {\"token\":\"t\"}</script>",
            b"No leader elected",
            b"\"token\":\"t\"",
            b"\xff\xfe",
        ] {
            assert_eq!(scrub(body), body);
        }
    }

    #[test]
    fn a_truncated_body_contains_no_secret() {
        let body = r#"{"a":[{"secret" : {"b":["CANARY\"", 1]}},"token","x"],"command":"CANARY"}"#;
        for end in 0..=body.len() {
            let kept = scrubbed(&body[..end]);
            assert!(!kept.contains("CAN"), "{kept}");
        }
    }

    #[test]
    fn a_damaged_body_contains_no_secret() {
        for (body, expected) in [
            (r#"{"token":}"#, r#"{"token":}"#),
            (r#"{"token"}:1"#, r#"{"token"}:1"#),
            (r#"{"token"::"S"}"#, r#"{"token":"(scrubbed)"}"#),
            (r#"{"token":tru "S" }"#, r#"{"token":"(scrubbed)" }"#),
            ("}]{", "}]{"),
        ] {
            assert_eq!(scrubbed(body), expected);
        }
    }

    #[test]
    fn scrubbing_twice_is_scrubbing_once() {
        let once = scrub(br#"{"token":[1],"resources":{"token":1}}"#);
        assert_eq!(scrub(&once), once);
    }
}
