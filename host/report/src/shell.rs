//! Quotes words for a shell.

use std::borrow::Cow;
use std::path::Path;

use janitor_contract::printable::is_hidden;

/// Prints an option with its value for a shell. A value that begins with `-` follows a `=`, so
/// that it is not taken for another option.
pub fn option(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{between}{}", quote(value))
}

/// Prints the name of a file, which need not be text, so that it is not taken for an option.
pub fn file(path: &Path) -> String {
    let name = path.as_os_str().as_encoded_bytes();
    let here: &[u8] = if name.starts_with(b"-") { b"./" } else { b"" };
    let name = [here, name].concat();
    match std::str::from_utf8(&name) {
        Ok(name) => quote(name).into(),
        Err(_) => escaped(&name),
    }
}

/// Quotes a word for a shell, so that all of it is visible. A word with hidden characters becomes
/// `$'...'`, in which their bytes are octal numbers; every shell that has `$'...'` supports these.
/// Any other word with a character that may be special to a shell, such as a brace or a `!`, is
/// put in quotes. A name that no command line can contain, because it contains a NUL or was not
/// text, becomes words that are a syntax error.
pub fn quote(word: &str) -> Cow<'_, str> {
    if word.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        return "(a name that no command line can hold)".into();
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:,@%+=-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into();
    }
    if !word.contains(is_hidden) {
        return format!("'{}'", word.replace('\'', r"'\''")).into();
    }
    escaped(word.as_bytes()).into()
}

/// Writes a word in `$'...'`.
fn escaped(word: &[u8]) -> String {
    let mut quoted = String::from("$'");
    let octal = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:03o}")).collect::<String>();
    for chunk in word.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => quoted.extend(['\\', c]),
                c if is_hidden(c) => quoted += &octal(c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => quoted.push(c),
            }
        }
        quoted += &octal(chunk.invalid());
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use janitor_contract::printable::printable;

    use super::*;

    const WORDS: [&str; 14] = [
        "plain",
        "two words",
        "it's",
        "",
        "kafka\u{200b}-role",
        "a'\\b\u{ad}1$(x)`y`\"",
        "\u{e0041}\u{202e}\n\t\u{1b}[2J",
        "-x",
        "{a,--force}",
        "a!!b",
        "~",
        "a=~",
        "*?[x]",
        "#a^b",
    ];

    #[test]
    fn a_shell_reads_the_words_that_were_quoted() {
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
    fn a_value_is_no_option() {
        assert_eq!(option("-r", "a b"), "-r 'a b'");
        assert_eq!(option("--teardown", "--yes"), "--teardown=--yes");
        assert_eq!(file(Path::new("--force")), "./--force");
        assert_eq!(file(Path::new("{a,b}.json")), "'{a,b}.json'");
    }

    /// At its prompt, `!` is special to a shell, too.
    #[test]
    fn an_interactive_shell_reads_the_word_that_was_quoted() {
        let script = format!("set -o history -o histexpand\nprintf '%s' {}\n", quote("a!!b{c,d}"));
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        match shell.spawn() {
            Ok(mut shell) => {
                shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
                assert_eq!(shell.wait_with_output().unwrap().stdout, b"a!!b{c,d}");
            }
            Err(why) => eprintln!("SKIPPED: no bash to read it: {why}"),
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_file_whose_name_is_not_text_is_what_a_shell_reads() {
        use std::os::unix::ffi::OsStrExt;
        let name = b"-a'\xff\\\xe2\x80b";
        let quoted = file(Path::new(std::ffi::OsStr::from_bytes(name)));
        assert_eq!(quoted, r"$'./-a\'\377\\\342\200b'");
        match Command::new("bash").arg("-c").arg(format!("printf '%s' {quoted}")).output() {
            Ok(output) => assert_eq!(output.stdout, [b"./", &name[..]].concat()),
            Err(why) => eprintln!("SKIPPED: no bash to read it: {why}"),
        }
    }

    #[test]
    fn a_name_that_no_command_line_can_contain_is_a_syntax_error() {
        for name in ["a\0b", "a\u{fffd}b"] {
            let line = format!("echo janitor -r {}", quote(name));
            match Command::new("bash").arg("-c").arg(&line).output() {
                Ok(output) => assert!(!output.status.success() && output.stdout.is_empty()),
                Err(why) => eprintln!("SKIPPED: no bash to read it: {why}"),
            }
        }
    }
}
