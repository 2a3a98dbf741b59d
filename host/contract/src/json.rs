//! Writes JSON for other programs. Invisible characters are escaped, so that they mislead nobody
//! who reads it; the values stay the same.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Result;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::printable::{is_hidden, is_plain};

/// Serialises a value on one line, with a line break at its end.
///
/// # Errors
/// Fails if the value cannot be represented in JSON.
pub fn line(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut json, Visible(CompactFormatter)))?;
    json.push(b'\n');
    Ok(json)
}

/// Serialises a value on several indented lines, with a line break at its end.
///
/// # Errors
/// Fails if the value cannot be represented in JSON.
pub fn lines(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = Vec::new();
    write_lines(&mut json, value)?;
    Ok(json)
}

/// Writes a value like [`lines`].
///
/// # Errors
/// Fails if the value cannot be represented in JSON, or if writing fails.
pub fn write_lines(mut writer: impl Write, value: &impl Serialize) -> Result<()> {
    let formatter = Visible(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut writer, formatter))?;
    writer.write_all(b"\n").map_err(serde_json::Error::io)
}

/// Wraps a formatter, and escapes invisible characters.
struct Visible<F>(F);

impl<F: Formatter> Formatter for Visible<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        w: &mut W,
        text: &str,
    ) -> io::Result<()> {
        if is_plain(text) {
            return w.write_all(text.as_bytes());
        }
        let mut written = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| is_hidden(*c)) {
            w.write_all(text.get(written..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(w, "\\u{unit:04x}")?;
            }
            written = at + c.len_utf8();
        }
        w.write_all(text.get(written..).unwrap_or_default().as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_array(w)
    }

    fn end_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array(w)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array_value(w)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object(w)
    }

    fn end_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object(w)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object_key(w)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object_value(w)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object_value(w)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_does_not_show_is_escaped_and_stays_the_same() {
        let hidden = "\0\n\u{7f}\u{80}\u{9b}\u{ad}\u{200b}\u{202e}\u{2028}\u{2029}\u{feff}\u{e0041}\
             \u{13430}\u{1d159}\u{16fe4}\u{fdd0}\u{ffff}\u{10ffff}";
        let value =
            BTreeMap::from([(format!("k{hidden}"), vec![format!("{hidden}v\"ü\\"), "".into()])]);
        for json in [line(&value).unwrap(), lines(&value).unwrap()] {
            let text = String::from_utf8(json).unwrap();
            assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)), "{text}");
            assert!(
                ["\\u007f\\u0080\\u009b", "\\udb40\\udc41", "\\uffff\\udbff\\udfff"]
                    .iter()
                    .all(|escaped| text.contains(escaped)),
                "{text}"
            );
            assert_eq!(serde_json::from_str::<BTreeMap<_, _>>(&text).unwrap(), value);
        }
    }

    #[test]
    fn what_shows_is_written_as_serde_json_does() {
        let value = serde_json::json!({"a": [1, 2.5, null, "ü", []], "b": {}, "c": {"d": "\"\t"}});
        assert_eq!(line(&value).unwrap(), (value.to_string() + "\n").into_bytes());
        let pretty = serde_json::to_string_pretty(&value).unwrap() + "\n";
        assert_eq!(lines(&value).unwrap(), pretty.into_bytes());
    }
}
