//! Comparison with files that hold the expected output. With `BLESS=1` in the environment they are
//! written instead of compared; review them before you commit them.

use std::fs;
use std::path::Path;

use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

/// Compares a text with its file, byte for byte.
pub fn golden(file: &Path, actual: &str) {
    if blessing() {
        fs::write(file, actual).expect("a writable folder");
    }
    // The file contains no placeholders.
    let expected = Data::read_from(file, Some(DataFormat::Text)).raw();
    Assert::new().eq(actual, expected);
    // The comparison above treats all line endings as equal.
    let expected = fs::read_to_string(file).expect("a text");
    assert_eq!(actual, expected, "{} (left: now, right: the file)", file.display());
}

/// Returns whether files are written instead of compared.
pub fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}
