//! The pull reader and serde_json agree about documents that are made by chance, whether they
//! are JSON or not, however they are cut into chunks, and however they are taken apart.

use serde_json::{Map, Value};

use super::*;
use crate::testing::Chance;

/// The number of elements of a list that are read before the others are skipped.
const KEPT: usize = 1;

/// A body in chunks of one size.
struct Chunks<'a>(std::slice::Chunks<'a, u8>);

impl Response for Chunks<'_> {
    fn status(&self) -> u16 {
        200
    }

    fn read(&mut self, _: u32) -> Result<Vec<u8>, Error> {
        Ok(self.0.next().unwrap_or_default().to_vec())
    }
}

/// Picks one of these.
fn pick<'a>(chance: &mut Chance, these: &[&'a str]) -> &'a str {
    these[chance.below(these.len())]
}

/// Writes a value.
fn write(chance: &mut Chance, depth: usize, text: &mut String) {
    const SPACES: [&str; 6] = ["", "", "", " ", "\n\t", " \r\n "];
    const NUMBERS: [&str; 9] =
        ["0", "-0", "7", "-12", "3.25", "1e3", "2.5E-7", "18446744073709551615", "123456789012e9"];
    text.push_str(pick(chance, &SPACES));
    let kinds = if depth == 0 { 4 } else { 8 };
    match chance.below(kinds) {
        0 => text.push_str(pick(chance, &NUMBERS)),
        1 => text.push_str(pick(chance, &["true", "false", "null"])),
        2 | 3 => write_text(chance, text),
        kind => {
            let is_object = kind % 2 == 0;
            text.push(if is_object { '{' } else { '[' });
            for index in 0..chance.below(4) {
                if index > 0 {
                    text.push(',');
                }
                if is_object {
                    text.push_str(pick(chance, &SPACES));
                    write_text(chance, text);
                    text.push_str(pick(chance, &SPACES));
                    text.push(':');
                }
                write(chance, depth - 1, text);
            }
            text.push_str(pick(chance, &SPACES));
            text.push(if is_object { '}' } else { ']' });
        }
    }
    text.push_str(pick(chance, &SPACES));
}

/// Writes a string.
fn write_text(chance: &mut Chance, text: &mut String) {
    const PARTS: [&str; 12] = [
        "a",
        "bc",
        "]",
        "{",
        ",",
        "é",
        "💒",
        "\u{7f}",
        "\\\"",
        "\\\\",
        "\\u00e9\\n",
        "\\ud83d\\ude00",
    ];
    text.push('"');
    for _ in 0..chance.below(5) {
        text.push_str(pick(chance, &PARTS));
    }
    text.push('"');
}

/// Damages a document in one place, or leaves it as it is.
fn damage(chance: &mut Chance, bytes: &mut Vec<u8>) {
    const ODD: &[u8] = b"{}[]\",:\\ 0e.-tn\x00\x1f\x7f\x80\xc3\xe2\xf0\xff";
    let at = chance.below(bytes.len());
    let odd = ODD[chance.below(ODD.len())];
    match chance.below(6) {
        0 => drop(bytes.remove(at)),
        1 => bytes[at] = odd,
        2 => bytes.insert(at, odd),
        3 => bytes.truncate(at),
        _ => {}
    }
}

/// Replaces the bytes that are not UTF-8, as the reader promises to do.
fn without_strays(bytes: &[u8]) -> Vec<u8> {
    let chunks = bytes.utf8_chunks();
    let replaced = chunks.map(|chunk| {
        let strays = vec![STRAY; chunk.invalid().len()];
        [chunk.valid().as_bytes(), &strays].concat()
    });
    replaced.collect::<Vec<_>>().concat()
}

/// Takes a value apart, or as a value or a text. If it `skips`, it does so down to the last value, and skips most
/// elements of lists; otherwise chance decides how far.
fn read<R: Response>(json: &mut Json<R>, chance: &mut Chance, skips: bool) -> Result<Value, Bad> {
    match json.peek()? {
        Some(b'{') if skips || chance.below(3) > 0 => {
            let mut all = Map::new();
            json.object(|json, name| {
                all.insert(name.to_owned(), read(json, chance, skips)?);
                Ok(())
            })?;
            Ok(Value::Object(all))
        }
        Some(b'[') if skips || chance.below(3) > 0 => {
            let mut all = Vec::new();
            json.list(|json| {
                match skips && all.len() == KEPT {
                    true => json.skip()?,
                    false => all.push(read(json, chance, skips)?),
                }
                Ok(())
            })?;
            Ok(Value::Array(all))
        }
        _ if chance.below(2) > 0 => json
            .raw(|text| serde_json::from_str(text).ok())?
            .ok_or_else(|| json.invalid("no value")),
        _ => json.value(),
    }
}

/// Drops the elements that the reader skips.
fn without_skipped(value: Value) -> Value {
    match value {
        Value::Array(all) => all.into_iter().take(KEPT).map(without_skipped).collect(),
        Value::Object(all) => {
            let all = all.into_iter().map(|(name, value)| (name, without_skipped(value)));
            Value::Object(all.collect())
        }
        value => value,
    }
}

#[test]
fn the_pull_reader_and_serde_json_agree() {
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..4000 {
        let mut chance = Chance::new(seed);
        let mut text = String::new();
        write(&mut chance, 4, &mut text);
        let mut bytes = text.into_bytes();
        damage(&mut chance, &mut bytes);
        let expected = serde_json::from_slice::<Value>(&without_strays(&bytes)).ok();
        let count = if expected.is_some() { &mut accepted } else { &mut rejected };
        *count += 1;
        for chunk in [1, 2, 3, 7, 1000] {
            let mut by_pulling = |skips| {
                let mut json = Json::new(Chunks(bytes.chunks(chunk)));
                let value = read(&mut json, &mut chance, skips);
                value.and_then(|value| json.end().map(|()| value))
            };
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(by_pulling(false).ok(), expected, "seed {seed}, chunks of {chunk}: {shown}");
            // Skipping checks the brackets only, so it may accept more than JSON.
            if let Some(expected) = &expected {
                let skipped = by_pulling(true).ok();
                let expected = Some(without_skipped(expected.clone()));
                assert_eq!(skipped, expected, "seed {seed}, chunks of {chunk}: {shown}");
            }
        }
    }
    assert!(accepted > 1000 && rejected > 1000, "{accepted} accepted, {rejected} rejected");
}
