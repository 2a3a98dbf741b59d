//! The parts of the servers' answers that a recording leaves out.
//!
//! Answers may hold secrets: the master lists the environment with which every task
//! was started, and Exhibitor returns what is stored in a node. A JSON body is recorded
//! with such values replaced by [`SCRUBBED`], and with every other byte as it
//! came, because the component sends the master's own text back. Which values
//! these are is decided by their keys alone, and all of that is in this file. A
//! body that is no JSON, such as a login page, has no keys and is kept.

/// The text in the place of a value that is left out.
pub const SCRUBBED: &str = "\"(scrubbed)\"";

/// Keys whose values hold the parameters of tasks, or the data of a ZooKeeper node. A component
/// needs none of them.
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

/// Parts of keys that name a secret.
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

/// The ends of the keys below which nothing is left out: `reserved_resources_full` and
/// its like. There, roles and resources are keys, and may have any name. A recording is about
/// reservations, with their labels, also in the operations that are pending, and they stand in
/// the requests too: a label is part of a reservation's identity, and no secret.
const KEPT: [&str; 4] = ["resources", "resourcesfull", "reservation", "reservations"];

/// The treatment of the value of a key.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// It is left out, with everything below it.
    Scrub,
    /// It is kept, with everything below it.
    Keep,
    /// Its own keys decide.
    Look,
}

/// The rule for a key. Case, `_`, `-` and `.` do not matter.
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
    // The string before this token, as long as it may be a key.
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

/// Returns a key without its quotes. A key with escapes is decoded, and an invalid one is read
/// as it is.
fn text(key: &[u8]) -> String {
    serde_json::from_slice(key).unwrap_or_else(|_| String::from_utf8_lossy(key).into())
}

/// The first token, and what follows it: a string, a mark, white space, or
/// anything else up to one of these.
fn token(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_mark = |byte: &u8| b"{}[]:,".contains(byte);
    let length = match json.first()? {
        b'"' => string(json),
        byte if is_mark(byte) => 1,
        byte if byte.is_ascii_whitespace() => {
            json.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
        }
        _ => {
            let ends = |byte: &u8| *byte == b'"' || is_mark(byte) || byte.is_ascii_whitespace();
            json.iter().take_while(|byte| !ends(byte)).count()
        }
    };
    Some(json.split_at(length))
}

/// Returns the length of the string at the beginning, which a truncated body may leave open.
fn string(json: &[u8]) -> usize {
    let mut escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}

/// Splits a body into white space, the value behind it, and the rest. A truncated value
/// ends with the body.
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
    fn secrets_go_and_every_other_byte_stays() {
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
    fn what_the_component_reads_is_never_touched() {
        for body in [
            r#"{"slaves":[{"id":"S0","hostname":"token.example","active":true,"version":"1.11.0"}]}"#,
            r#"{"recovered_slaves":[{"id":"S1","hostname":"h"}]}"#,
            r#"{"frameworks":[{"id":"F","name":"password","role":"secret","roles":["token"],"active":true}]}"#,
            // Roles and resources of any name.
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
    fn what_is_no_json_is_kept() {
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
    fn a_body_that_breaks_off_tells_nothing_either() {
        let body = r#"{"a":[{"secret" : {"b":["CANARY\"", 1]}},"token","x"],"command":"CANARY"}"#;
        for end in 0..=body.len() {
            let kept = scrubbed(&body[..end]);
            assert!(!kept.contains("CAN"), "{kept}");
        }
    }

    #[test]
    fn what_is_damaged_tells_no_secret() {
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
