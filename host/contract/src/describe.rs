//! What is reserved on an agent, for people: the same words wherever it is shown. The host
//! shows plans by the same file.

use crate::types::{Amount, Reserved, Volume};

/// An entry without its volume; whose it is, if that is not what was wanted.
pub fn entry_words(entry: &Reserved, wanted: Option<&str>) -> String {
    let mut words = format!("{} {}", entry.name, amount(&entry.name, &entry.amount));
    if let Some(disk) = &entry.disk {
        words += &format!(" on {disk}");
    }
    if let Some(principal) = others(entry.principal.as_deref(), wanted) {
        words += &format!(", reserved by {principal}");
    }
    for label in &entry.labels {
        let value = label.value.as_ref().map(|it| format!("={it}")).unwrap_or_default();
        words += &format!(" [{}{value}]", label.key);
    }
    words
}

/// A volume; who created it, if that is not who was wanted.
pub fn volume_words(volume: &Volume, wanted: Option<&str>) -> String {
    let path = volume.container_path.as_ref().map(|it| format!(" at '{it}'"));
    let by = others(volume.principal.as_deref(), wanted).map(|it| format!(", created by {it}"));
    format!("volume {}{}{}", volume.id, path.unwrap_or_default(), by.unwrap_or_default())
}

/// A number with its unit, to the three digits that Mesos counts.
pub fn scalar(name: &str, value: f64) -> String {
    let value = (value * 1000.0).round() / 1000.0;
    let unit = if ["mem", "disk"].contains(&name) { " MiB" } else { "" };
    format!("{value}{unit}")
}

/// A principal, unless it is the one that was named.
fn others<'a>(principal: Option<&'a str>, wanted: Option<&str>) -> Option<&'a str> {
    principal.filter(|principal| Some(*principal) != wanted)
}

fn amount(name: &str, amount: &Amount) -> String {
    match amount {
        Amount::Scalar(value) => scalar(name, *value),
        Amount::Ranges(ranges) => {
            let range = |&(begin, end): &(u64, u64)| match begin == end {
                true => begin.to_string(),
                false => format!("{begin}-{end}"),
            };
            ranges.iter().map(range).collect::<Vec<_>>().join(", ")
        }
        Amount::Items(items) => format!("{{{}}}", items.join(", ")),
    }
}
