//! Command lines to be copied into a shell.

use std::borrow::Cow;
use std::fmt::Write as _;

use janitor_host::printable::is_hidden;

/// A word as a shell reads it, all of which can be seen: what cannot is written as
/// `$'...'` has it, in the octal numbers of its bytes, which all shells know that know
/// `$'...'` at all. What no command line can hold, because there is a NUL in it or it was no
/// text to begin with, becomes words that a shell does not take.
pub fn quote(word: &str) -> Cow<'_, str> {
    if word.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        return "(a name that no command line can hold)".into();
    }
    if !word.contains(is_hidden) {
        return shell_words::quote(word);
    }
    let mut quoted = String::from("$'");
    for c in word.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string does not fail.
                    let _ = write!(quoted, "\\{byte:03o}");
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted.into()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use janitor_host::printable::printable;

    use super::*;

    const WORDS: [&str; 8] = [
        "plain",
        "two words",
        "it's",
        "",
        "kafka\u{200b}-role",
        "a'\\b\u{ad}1$(x)`y`\"",
        "\u{e0041}\u{202e}\n\t\u{1b}[2J",
        "-x",
    ];

    #[test]
    fn what_is_printed_is_what_a_shell_reads() {
        let line = WORDS.map(quote).join(" ");
        assert_eq!(printable(&line), line, "all of it shows");
        let script = format!("printf '%s\\0' {line}");
        match Command::new("bash").arg("-c").arg(script).output() {
            Ok(output) => {
                let read = String::from_utf8(output.stdout).unwrap();
                assert_eq!(read.trim_end_matches('\0').split('\0').collect::<Vec<_>>(), WORDS);
            }
            Err(why) => eprintln!("SKIPPED: no bash to read it: {why}"),
        }
    }

    #[test]
    fn what_no_word_can_hold_is_no_command() {
        for name in ["a\0b", "a\u{fffd}b"] {
            let line = format!("echo janitor -r {}", quote(name));
            match Command::new("bash").arg("-c").arg(&line).output() {
                Ok(output) => assert!(!output.status.success() && output.stdout.is_empty()),
                Err(why) => eprintln!("SKIPPED: no bash to read it: {why}"),
            }
        }
    }
}
