//! Mesos versions, which determine behaviour.

/// The part of a Mesos version that determines behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// Parses `1.11.0`, `1.11.0-dev` and similar versions; a part that is not a number counts as 0.
    pub(crate) fn parse(text: &str) -> Version {
        let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        Version { major: next(), minor: next() }
    }

    /// Returns whether this version is `major.minor` or later.
    pub(crate) fn since(self, major: u32, minor: u32) -> bool {
        self >= Version { major, minor }
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn minor_versions_compare_as_numbers() {
        assert!(Version::parse("1.11.0").since(1, 9));
        assert!(Version::parse("0.28.1").since(0, 28));
        assert!(!Version::parse("0.28.1").since(1, 0));
        assert!(Version::parse("1.11.0-dev").since(1, 11));
    }
}
