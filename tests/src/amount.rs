//! The amounts of resources.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

/// A quantity. Mesos counts scalars in thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    Scalar(i64),
    /// Inclusive ranges, sorted, neither overlapping nor adjacent.
    Ranges(Vec<(u64, u64)>),
    Set(BTreeSet<String>),
}

impl Amount {
    /// The keys of a resource that hold its amount.
    pub(crate) const KEYS: [&str; 3] = ["scalar", "ranges", "set"];

    /// Reads the amount of a resource; one without any is an empty scalar.
    pub(crate) fn read(resource: &Map<String, Value>) -> Amount {
        let items = |key: &str, list: &str| -> Vec<Value> {
            let list = resource.get(key).and_then(|value| value.get(list));
            list.and_then(Value::as_array).cloned().unwrap_or_default()
        };
        match resource.get("type").and_then(Value::as_str) {
            Some("RANGES") => Amount::ranges(items("ranges", "range").iter().filter_map(|range| {
                let end = |name: &str| range.get(name).and_then(Value::as_u64);
                Some((end("begin")?, end("end")?))
            })),
            Some("SET") => Amount::Set(
                items("set", "item")
                    .iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect(),
            ),
            _ => {
                let value = resource.get("scalar").and_then(|scalar| scalar.get("value"));
                let value = value.and_then(Value::as_f64).unwrap_or_default();
                #[allow(clippy::cast_possible_truncation)] // far below the limit
                Amount::Scalar((value * 1000.0).round() as i64)
            }
        }
    }

    /// Returns the key and the value of this amount in a resource.
    pub(crate) fn write(&self) -> (&'static str, Value) {
        match self {
            Amount::Scalar(_) => ("scalar", json!({"value": self.number()})),
            Amount::Ranges(ranges) => {
                let range = |&(begin, end): &(u64, u64)| json!({"begin": begin, "end": end});
                let list: Vec<Value> = ranges.iter().map(range).collect();
                ("ranges", json!({"range": list}))
            }
            Amount::Set(items) => ("set", json!({"item": items})),
        }
    }

    /// Returns the amount as `/slaves` summarises it: a number, or text.
    pub(crate) fn summary(&self) -> Value {
        match self {
            Amount::Scalar(_) => json!(self.number()),
            _ => json!(self.to_string()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Amount::Scalar(thousandths) => *thousandths <= 0,
            Amount::Ranges(ranges) => ranges.is_empty(),
            Amount::Set(items) => items.is_empty(),
        }
    }

    pub(crate) fn contains(&self, other: &Amount) -> bool {
        match (self, other) {
            (Amount::Scalar(have), Amount::Scalar(want)) => have >= want,
            (Amount::Ranges(have), Amount::Ranges(want)) => {
                want.iter().all(|want| have.iter().any(|have| have.0 <= want.0 && want.1 <= have.1))
            }
            (Amount::Set(have), Amount::Set(want)) => have.is_superset(want),
            _ => false,
        }
    }

    pub(crate) fn add(&mut self, other: &Amount) {
        match (self, other) {
            (Amount::Scalar(sum), Amount::Scalar(more)) => *sum += more,
            (sum @ Amount::Ranges(_), Amount::Ranges(more)) => {
                let Amount::Ranges(have) = &*sum else { return };
                *sum = Amount::ranges(have.iter().chain(more).copied());
            }
            (Amount::Set(sum), Amount::Set(more)) => sum.extend(more.iter().cloned()),
            _ => {}
        }
    }

    pub(crate) fn subtract(&mut self, other: &Amount) {
        match (self, other) {
            (Amount::Scalar(rest), Amount::Scalar(less)) => *rest -= less,
            (Amount::Ranges(rest), Amount::Ranges(less)) => {
                for &(begin, end) in less {
                    let outside = |&(low, high): &(u64, u64)| {
                        let below = (low, high.min(begin.wrapping_sub(1)));
                        let above = (low.max(end.saturating_add(1)), high);
                        let below = (low < begin).then_some(below);
                        let above = (high > end).then_some(above);
                        below.into_iter().chain(above)
                    };
                    *rest = rest.iter().flat_map(outside).collect();
                }
            }
            (Amount::Set(rest), Amount::Set(less)) => rest.retain(|item| !less.contains(item)),
            _ => {}
        }
    }

    fn ranges(ranges: impl Iterator<Item = (u64, u64)>) -> Amount {
        let mut all: Vec<_> = ranges.collect();
        all.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (begin, end) in all {
            match merged.last_mut() {
                Some(last) if begin <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => merged.push((begin, end)),
            }
        }
        Amount::Ranges(merged)
    }

    /// Returns the amount as a number; for ranges and sets, it is the number of their members.
    #[allow(clippy::cast_precision_loss)] // far below the limit
    pub(crate) fn number(&self) -> f64 {
        match self {
            Amount::Scalar(thousandths) => *thousandths as f64 / 1000.0,
            Amount::Ranges(ranges) => {
                ranges.iter().map(|(first, last)| last - first + 1).sum::<u64>() as f64
            }
            Amount::Set(items) => items.len() as f64,
        }
    }
}

/// Formats the amount as Mesos does: `1.5`, `[31000-31005, 31010-31020]`, `{a, b}`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Scalar(_) => write!(f, "{}", self.number()),
            Amount::Ranges(ranges) => {
                let ranges: Vec<_> = ranges.iter().map(|(b, e)| format!("{b}-{e}")).collect();
                write!(f, "[{}]", ranges.join(", "))
            }
            Amount::Set(items) => {
                let items: Vec<_> = items.iter().map(String::as_str).collect();
                write!(f, "{{{}}}", items.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    fn ranges(ranges: &[(u64, u64)]) -> Amount {
        Amount::ranges(ranges.iter().copied())
    }

    #[test]
    fn adjacent_ranges_join_and_come_apart_again() {
        let mut ports = ranges(&[(10, 19), (30, 39)]);
        ports.add(&ranges(&[(20, 29)]));
        assert_eq!(ports, ranges(&[(10, 39)]));
        assert!(ports.contains(&ranges(&[(12, 15), (30, 39)])));
        ports.subtract(&ranges(&[(12, 15), (30, 39)]));
        assert_eq!(ports.to_string(), "[10-11, 16-29]");
        assert!(!ports.contains(&ranges(&[(11, 16)])));
        ports.subtract(&ranges(&[(0, 100)]));
        assert!(ports.is_empty());
    }

    #[test]
    fn thousandths_add_up() {
        let mut cpus = Amount::Scalar(100);
        cpus.add(&Amount::Scalar(200));
        assert_eq!(cpus.to_string(), "0.3");
        assert_eq!(cpus.summary(), serde_json::json!(0.3));
        assert!(!cpus.contains(&Amount::Scalar(301)));
    }
}
