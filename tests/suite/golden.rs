//! Files with what is expected. With `BLESS=1` in the environment they are written
//! instead of compared; look at them before they are committed.

use std::fs;
use std::path::Path;

use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

/// Compares a text with its file, byte for byte.
pub fn golden(file: &Path, actual: &str) {
    if blessing() {
        fs::write(file, actual).expect("a writable folder");
    }
    // Nothing in the file stands for anything but itself.
    let expected = Data::read_from(file, Some(DataFormat::Text)).raw();
    Assert::new().eq(actual, expected);
    // That takes all ways to end a line for the same.
    let expected = fs::read_to_string(file).expect("a text");
    assert_eq!(actual, expected, "{} (left: now, right: the file)", file.display());
}

/// Whether files are written instead of compared.
pub fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}
