//! The master's totals of an agent's resources. They show whether the agent has more reserved
//! than the list names.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::host::Response;
use crate::master::json::{Bad, Json};

/// The sums of amounts, by the names of the resources.
#[derive(Default)]
pub(super) struct Amounts(Vec<(Name, f64)>);

impl Amounts {
    /// Takes an object of amounts by name, multiplies each and adds it.
    pub(super) fn add<R: Response>(&mut self, json: &mut Json<R>, times: f64) -> Result<(), Bad> {
        json.fields(|json, name: Name| {
            let Amount(amount) = json.value()?;
            let amount = amount * times;
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += amount,
                None => self.0.push((name, amount)),
            }
            Ok(())
        })
    }

    /// Takes an object that contains such an object for each role.
    pub(super) fn add_each_role<R: Response>(
        &mut self,
        json: &mut Json<R>,
        times: f64,
    ) -> Result<(), Bad> {
        json.object(|json, _| self.add(json, times))
    }

    /// Returns whether a sum is more than nothing.
    pub(super) fn is_something(&self) -> bool {
        // Mesos counts in thousandths.
        const LEAST: f64 = 0.0005;
        self.0.iter().any(|(_, amount)| *amount > LEAST)
    }
}

/// The name of a resource. Those that all agents have need no text.
#[derive(PartialEq)]
enum Name {
    Cpus,
    Disk,
    Gpus,
    Mem,
    Ports,
    Other(String),
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        match name {
            "cpus" => Self::Cpus,
            "disk" => Self::Disk,
            "gpus" => Self::Gpus,
            "mem" => Self::Mem,
            "ports" => Self::Ports,
            _ => Self::Other(name.into()),
        }
    }
}

/// A number, or the number of items in a text of ranges or of a set.
struct Amount(f64);

impl Amount {
    /// Counts the items in `[31000-32000, 33000-33000]`, or in `{a, b}`.
    #[allow(clippy::cast_precision_loss, reason = "a port is a small number")]
    fn count(text: &str) -> f64 {
        let inside = |open, close| text.trim().strip_prefix(open)?.strip_suffix(close);
        let items = |text: &str| text.split(',').filter(|it| !it.trim().is_empty()).count() as f64;
        if let Some(ranges) = inside('[', ']') {
            let size = |range: &str| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let bounds = first.trim().parse::<u64>().ok().zip(last.trim().parse::<u64>().ok());
                bounds.map_or(0, |(first, last)| last.saturating_add(1).saturating_sub(first))
            };
            ranges.split(',').map(|range| size(range) as f64).sum()
        } else {
            inside('{', '}').map_or(0.0, items)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl<'de> Visitor<'de> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an amount")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Amount, E> {
        Ok(Amount(number))
    }

    #[allow(clippy::cast_precision_loss, reason = "no cluster has that many")]
    fn visit_u64<E>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount(number as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "no cluster has that many")]
    fn visit_i64<E>(self, number: i64) -> Result<Amount, E> {
        Ok(Amount(number as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(Amount::count(text)))
    }
}
