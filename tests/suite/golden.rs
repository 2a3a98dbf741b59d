//! Files with what is expected. With `BLESS=1` in the environment they are written
//! instead of compared; look at them before they are committed.

use std::fs;
use std::path::Path;

/// Compares a text with its file.
pub fn golden(file: &Path, actual: &str) {
    if blessing() {
        fs::write(file, actual).expect("a writable folder");
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert_eq!(actual, expected, "{} (left: now, right: the file)", file.display());
}

/// The same for a text that is mostly empty: then there is no file.
pub fn golden_if_any(file: &Path, actual: &str) {
    if blessing() && actual.is_empty() {
        // A file of an earlier blessing may be there, or not.
        let _ = fs::remove_file(file);
    }
    if !actual.is_empty() || file.exists() {
        golden(file, actual);
    }
}

/// Whether files are written instead of compared.
pub fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}
