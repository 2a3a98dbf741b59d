//! The master's totals of an agent's resources. They show whether the agent has more reserved
//! than the list names.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::master::json::Text;

/// The sums of amounts, by the names of the resources.
#[derive(Default)]
pub(super) struct Amounts<'a>(Vec<(Cow<'a, str>, f64)>);

impl<'a> Amounts<'a> {
    /// Makes a seed that multiplies each amount of an object and adds it.
    pub(super) fn add(&mut self, times: f64) -> Add<'_, 'a> {
        Add { amounts: self, times }
    }

    /// Returns whether a sum is more than nothing.
    pub(super) fn is_something(&self) -> bool {
        // Mesos counts in thousandths.
        const LEAST: f64 = 0.0005;
        self.0.iter().any(|(_, amount)| *amount > LEAST)
    }
}

/// The seed of an object of amounts by name, which adds them.
pub(super) struct Add<'s, 'a> {
    amounts: &'s mut Amounts<'a>,
    times: f64,
}

impl<'de> DeserializeSeed<'de> for Add<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Add<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("amounts of resources by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let amounts = &mut self.amounts.0;
        while let Some(Text(name)) = map.next_key()? {
            let Amount(amount) = map.next_value()?;
            let amount = amount * self.times;
            match amounts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += amount,
                None => amounts.push((name, amount)),
            }
        }
        Ok(())
    }
}

/// The seed of an object that contains such an object for each role.
pub(super) struct EachRole<'s, 'a>(pub(super) Add<'s, 'a>);

impl<'de> DeserializeSeed<'de> for EachRole<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EachRole<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("amounts of resources by role")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Add { amounts, times } = self.0;
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(amounts.add(times))?;
        }
        Ok(())
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
