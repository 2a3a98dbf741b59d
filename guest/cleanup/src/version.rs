//! Versions of Mesos.

/// Returns the original's number for a version of Mesos: 0.28.1 is 28, 1.11.0 is 111.
pub fn number(version: &str) -> Option<u32> {
    let mut parts = version.split(['.', '-']).map(str::parse);
    let (major, minor): (u32, u32) = (parts.next()?.ok()?, parts.next()?.ok()?);
    major.checked_mul(100)?.checked_add(minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_as_the_reference_does() {
        assert_eq!(number("0.28.1"), Some(28));
        assert_eq!(number("1.2.0"), Some(102));
        assert_eq!(number("1.11.0-dev"), Some(111));
        assert_eq!(number("1"), None);
        assert_eq!(number("banana"), None);
    }
}
