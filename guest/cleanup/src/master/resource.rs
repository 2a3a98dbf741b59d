//! One entry of an agent's `reserved_resources_full`.
//!
//! The entry is kept as the text that the master sent: it is sent back verbatim, because the
//! labels, the disk source and everything else in it are part of the reservation's identity.
//! Only the few fields that decide what may be done with it are read.

mod labels;

use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::STRAY;
use crate::owner::Owner;
use janitor_contract::types::{Amount, Label, Phase, Reserved, SkipReason, Volume};

/// A reserved resource, as the master lists it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The master's own text.
    pub raw: Box<RawValue>,
    facts: Rc<Facts>,
}

/// The decision about a resource in a phase.
#[derive(Debug, PartialEq)]
pub enum Decision {
    /// The phase removes it.
    Take,
    /// The phase would remove it, but for this reason.
    Skip(SkipReason),
    /// The phase has nothing to do with it.
    Ignore,
}

#[derive(Debug, Deserialize)]
struct Facts {
    /// The role, unless the reservation is a refined one.
    role: Option<String>,
    /// The reservation before Mesos 1.4, and since then a simple dynamic one. It is present
    /// even when it names no principal.
    reservation: Option<Reservation>,
    /// The whole stack since Mesos 1.4, with the innermost reservation last.
    reservations: Option<Vec<Reservation>>,
    disk: Option<Disk>,
    provider_id: Option<Provider>,
    scalar: Option<Scalar>,
    ranges: Option<Ranges>,
    set: Option<Set>,
}

/// The provider of a resource that is not the agent's own, since Mesos 1.5.
#[derive(Debug, Deserialize)]
struct Provider {
    value: String,
}

#[derive(Debug, Deserialize)]
struct Reservation {
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    principal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Disk {
    /// Only this makes a disk a volume: PATH and MOUNT disks have a `source` in both cases.
    persistence: Option<Persistence>,
}

#[derive(Debug, Deserialize)]
struct Persistence {
    principal: Option<String>,
}

impl Resource {
    /// Reads the deciding fields of an entry.
    ///
    /// # Errors
    /// Fails if the entry is not the object that Mesos documents.
    pub fn new(raw: Box<RawValue>) -> serde_json::Result<Self> {
        let facts = Rc::new(serde_json::from_str(raw.get())?);
        Ok(Self { raw, facts })
    }

    /// Returns whether it is reserved for this role, according to its innermost reservation since
    /// Mesos 1.4, and to its `role`. If both are present, both must name the role.
    pub fn is_of(&self, role: &str) -> bool {
        let Facts { role: own, reservations, .. } = &*self.facts;
        let innermost = reservations.as_ref().map(|stack| stack.last()?.role.as_deref());
        match (own.as_deref(), innermost) {
            (Some(own), Some(innermost)) => own == role && innermost == Some(role),
            (own, innermost) => own.or(innermost.flatten()) == Some(role),
        }
    }

    /// Returns the reason why it must not, or cannot, be sent back as it is listed, if there
    /// is one.
    pub fn why_not_sent(&self) -> Option<&'static str> {
        if self.raw.get().as_bytes().contains(&STRAY) {
            return Some("is not valid UTF-8, so it cannot be sent back unchanged");
        }
        self.is_empty().then_some("has an empty amount, which would crash the master")
    }

    /// Returns whether its amount is nothing. No master lists such a resource, and one of Mesos
    /// 1.6 to 1.11 aborts when it is asked to release it (measured). A master reads amounts to
    /// three decimal places.
    fn is_empty(&self) -> bool {
        const SMALLEST: f64 = 0.0005;
        let Facts { scalar, ranges, set, .. } = &*self.facts;
        scalar.as_ref().is_some_and(|it| it.value.is_nan() || it.value < SMALLEST)
            || ranges.as_ref().is_some_and(|it| it.range.is_empty())
            || set.as_ref().is_some_and(|it| it.item.is_empty())
    }

    /// Returns whether a reservation of a role is below its innermost one.
    pub fn stands_on(&self, role: &str) -> bool {
        self.below().any(|it| it == role)
    }

    /// Returns the role that gets it back when its innermost reservation is released, or none
    /// if it becomes unreserved.
    pub fn parent(&self) -> Option<&str> {
        self.below().last()
    }

    /// Returns the roles of the reservations below the innermost one, the outermost first.
    fn below(&self) -> impl Iterator<Item = &str> {
        let stack = self.facts.reservations.as_deref().unwrap_or_default();
        let below = stack.split_last().map_or(&[][..], |(_, below)| below);
        below.iter().filter_map(|it| it.role.as_deref())
    }

    /// Returns the role of its innermost reservation.
    pub fn role(&self) -> Option<&str> {
        let innermost =
            self.facts.reservations.as_ref().and_then(|stack| stack.last()?.role.as_deref());
        innermost.or(self.facts.role.as_deref())
    }

    /// Returns the resource provider, or none for the agent's own resources.
    pub fn provider(&self) -> Option<&str> {
        self.facts.provider_id.as_ref().map(|provider| provider.value.as_str())
    }

    /// Returns the principals that made it: its dynamic reservation's and its volume's.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        let reserver = self.facts.dynamic_reservation().and_then(|it| it.principal.as_deref());
        let creator = self.facts.volume().and_then(|it| it.principal.as_deref());
        reserver.into_iter().chain(creator)
    }

    /// Returns whether it is reserved dynamically.
    pub fn is_dynamic(&self) -> bool {
        self.facts.dynamic_reservation().is_some()
    }

    /// Returns whether a run for an owner would remove it in the end as a volume, and as a
    /// reservation. A reservation stays if it carries a volume that stays.
    pub fn targeted(&self, owner: Owner) -> (bool, bool) {
        let facts = &self.facts;
        let volume = self.decide(Phase::Volumes, owner) == Decision::Take;
        let reserver = facts.dynamic_reservation().map(|it| it.principal.as_ref());
        let reserved = reserver.is_some_and(|it| self.owned(it, owner) == Decision::Take);
        (volume, reserved && (volume || facts.volume().is_none()))
    }

    /// Describes it in the contract's terms.
    ///
    /// # Errors
    /// Fails if the entry is not the object that Mesos documents.
    #[inline(never)] // It is long, and has several callers.
    pub fn describe(&self) -> serde_json::Result<Described> {
        let entry: Entry = serde_json::from_str(self.raw.get())?;
        let innermost = match entry.reservations {
            Some(mut stack) => stack.pop(),
            None => entry.reservation,
        };
        let (reservation_role, labels) =
            innermost.map_or((None, None), |reservation| (reservation.role, reservation.labels));
        let disk = entry.disk.unwrap_or_default();
        let reserved = Reserved {
            name: entry.name,
            amount: match (entry.scalar, entry.ranges, entry.set) {
                (Some(scalar), ..) => Amount::Scalar(scalar.value),
                (None, Some(ranges), _) => {
                    Amount::Ranges(ranges.range.iter().map(|it| (it.begin, it.end)).collect())
                }
                (None, None, set) => Amount::Items(set.unwrap_or_default().item),
            },
            dynamic: self.is_dynamic(),
            principal: self.facts.reservation().and_then(|it| it.principal.clone()),
            labels: labels.unwrap_or_default().labels.into_iter().map(Into::into).collect(),
            disk: disk.source.map(Source::into_words),
            volume: disk.persistence.map(|persistence| Volume {
                id: persistence.id,
                principal: persistence.principal,
                container_path: disk.volume.and_then(|volume| volume.container_path),
            }),
        };
        Ok(Described { role: reservation_role.or(entry.role).unwrap_or_default(), reserved })
    }

    /// Returns whether a run for an owner would remove anything of it.
    pub fn is_targeted(&self, owner: Owner) -> bool {
        self.targeted(owner) != (false, false)
    }

    /// Decides about this resource in a phase, which removes only what is the owner's.
    pub fn decide(&self, phase: Phase, owner: Owner) -> Decision {
        let facts = &self.facts;
        match (phase, facts.volume(), facts.dynamic_reservation()) {
            (Phase::Volumes, Some(volume), _) => {
                // A volume that does not say who made it is its reserver's.
                let reserver = || facts.reservation()?.principal.as_ref();
                self.owned(volume.principal.as_ref().or_else(reserver), owner)
            }
            (Phase::Reservations, _, None) => Decision::Skip(SkipReason::StaticReservation),
            (Phase::Reservations, Some(_), Some(_)) => Decision::Skip(SkipReason::VolumeLeft),
            (Phase::Reservations, None, Some(reservation)) => {
                self.owned(reservation.principal.as_ref(), owner)
            }
            (Phase::Volumes | Phase::Znode | Phase::SelfRemoval, ..) => Decision::Ignore,
        }
    }

    /// Decides by the principal that made it, and by its labels.
    fn owned(&self, maker: Option<&String>, owner: Owner) -> Decision {
        if owner.principal.is_some() && maker.map(String::as_str) != owner.principal {
            return Decision::Skip(SkipReason::OtherPrincipal);
        }
        match self.has_labels_of(owner) {
            true => Decision::Take,
            false => Decision::Skip(SkipReason::OtherLabels),
        }
    }
}

/// A resource in the contract's terms.
pub struct Described {
    /// The role it is reserved for.
    pub role: String,
    /// The entry.
    pub reserved: Reserved,
}

/// An entry, as Mesos documents it.
#[derive(Deserialize)]
struct Entry {
    name: String,
    scalar: Option<Scalar>,
    ranges: Option<Ranges>,
    set: Option<Set>,
    role: Option<String>,
    reservation: Option<Labelled>,
    reservations: Option<Vec<Labelled>>,
    disk: Option<DescribedDisk>,
}

#[derive(Debug, Deserialize)]
struct Scalar {
    value: f64,
}

#[derive(Debug, Deserialize)]
struct Ranges {
    #[serde(default)]
    range: Vec<Range>,
}

#[derive(Debug, Deserialize)]
struct Range {
    begin: u64,
    end: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Set {
    #[serde(default)]
    item: Vec<String>,
}

#[derive(Deserialize)]
struct Labelled {
    role: Option<String>,
    labels: Option<Labels>,
}

#[derive(Default, Deserialize)]
struct Labels {
    #[serde(default)]
    labels: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    value: Option<String>,
}

impl From<KeyValue> for Label {
    fn from(KeyValue { key, value }: KeyValue) -> Self {
        Self { key, value }
    }
}

#[derive(Default, Deserialize)]
struct DescribedDisk {
    source: Option<Source>,
    persistence: Option<DescribedPersistence>,
    volume: Option<ContainerVolume>,
}

#[derive(Deserialize)]
struct DescribedPersistence {
    #[serde(default)]
    id: String,
    principal: Option<String>,
}

#[derive(Deserialize)]
struct ContainerVolume {
    container_path: Option<String>,
}

/// The place of a disk that is not the agent's root disk.
#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type", default)]
    kind: String,
    path: Option<Root>,
    mount: Option<Root>,
}

#[derive(Deserialize)]
struct Root {
    root: Option<String>,
}

impl Source {
    fn into_words(self) -> String {
        let root = self.path.or(self.mount).and_then(|it| it.root);
        root.map_or(self.kind.clone(), |root| format!("{} {root}", self.kind))
    }
}

impl Facts {
    fn volume(&self) -> Option<&Persistence> {
        self.disk.as_ref()?.persistence.as_ref()
    }

    /// Returns the innermost reservation.
    fn reservation(&self) -> Option<&Reservation> {
        match &self.reservations {
            Some(stack) => stack.last(),
            None => self.reservation.as_ref(),
        }
    }

    /// Returns the innermost reservation if it is a dynamic one: the master's operator
    /// endpoints can release no other kind.
    fn dynamic_reservation(&self) -> Option<&Reservation> {
        // Before Mesos 1.4 only dynamic reservations were shown at all.
        let is_dynamic = |it: &&Reservation| {
            self.reservations.is_none() || it.kind.as_deref() == Some("DYNAMIC")
        };
        self.reservation().filter(is_dynamic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use janitor_contract::types::LabelSelector;

    fn decide(json: &str, phase: Phase, principal: Option<&str>) -> Decision {
        resource(json).decide(phase, Owner { principal, ..Owner::of_role("r") })
    }

    fn resource(json: &str) -> Resource {
        Resource::new(RawValue::from_string(json.into()).unwrap()).unwrap()
    }

    const OLD_DYNAMIC: &str = r#"{"name":"cpus","role":"r","reservation":{"principal":"p"}}"#;
    const OLD_STATIC: &str = r#"{"name":"cpus","role":"r"}"#;
    const NO_PRINCIPAL: &str = r#"{"name":"cpus","role":"r","reservation":{},"reservations":[{"type":"DYNAMIC","role":"r"}]}"#;
    const NEW_STATIC: &str =
        r#"{"name":"cpus","role":"r","reservations":[{"type":"STATIC","role":"r"}]}"#;
    const REFINED: &str = r#"{"name":"cpus","reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"a/r","principal":"p"}]}"#;
    const VOLUME: &str = r#"{"name":"disk","role":"r","reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"creator"},"volume":{"mode":"RW","container_path":"data"}}}"#;
    const UNSIGNED_VOLUME: &str = r#"{"name":"disk","role":"r","reservation":{"principal":"p"},"disk":{"persistence":{"id":"v"}}}"#;
    const MOUNT_DISK: &str = r#"{"name":"disk","role":"r","reservation":{"principal":"p"},"disk":{"source":{"type":"MOUNT","mount":{"root":"/m"}}}}"#;

    fn described(json: &str) -> Described {
        Resource::new(RawValue::from_string(json.into()).unwrap()).unwrap().describe().unwrap()
    }

    #[test]
    fn an_entry_is_described_in_full() {
        let Described { role, reserved } = described(
            r#"{"name":"disk","type":"SCALAR","scalar":{"value":64.5},
            "reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"a/r",
            "principal":"p","labels":{"labels":[{"key":"k","value":"v"},{"key":"alone"}]}}],
            "disk":{"source":{"type":"MOUNT","mount":{"root":"/m"}},
            "persistence":{"id":"v1","principal":"c"},
            "volume":{"mode":"RW","container_path":"data"}}}"#,
        );
        assert_eq!(role, "a/r");
        assert_eq!(reserved.amount, Amount::Scalar(64.5));
        assert!(reserved.dynamic);
        assert_eq!(reserved.principal.as_deref(), Some("p"));
        let labels: Vec<_> =
            reserved.labels.iter().map(|it| (it.key.as_str(), it.value.as_deref())).collect();
        assert_eq!(labels, [("k", Some("v")), ("alone", None)]);
        assert_eq!(reserved.disk.as_deref(), Some("MOUNT /m"));
        let volume = reserved.volume.unwrap();
        assert_eq!((volume.id.as_str(), volume.container_path.as_deref()), ("v1", Some("data")));
        let ports = described(
            r#"{"name":"ports","role":"r","ranges":{"range":[{"begin":1,"end":2}]},"reservation":{}}"#,
        );
        assert_eq!((ports.role.as_str(), ports.reserved.dynamic), ("r", true));
        assert_eq!(ports.reserved.amount, Amount::Ranges(vec![(1, 2)]));
        assert!(!described(OLD_STATIC).reserved.dynamic);
    }

    #[test]
    fn only_persistence_makes_a_disk_a_volume() {
        assert_eq!(decide(VOLUME, Phase::Volumes, None), Decision::Take);
        assert_eq!(decide(MOUNT_DISK, Phase::Volumes, None), Decision::Ignore);
        assert_eq!(decide(OLD_DYNAMIC, Phase::Volumes, None), Decision::Ignore);
    }

    #[test]
    fn dynamic_reservations_are_taken_in_every_format() {
        for json in [OLD_DYNAMIC, NO_PRINCIPAL, REFINED, MOUNT_DISK] {
            assert_eq!(decide(json, Phase::Reservations, None), Decision::Take, "{json}");
        }
    }

    #[test]
    fn static_reservations_are_skipped_in_every_format() {
        for json in [OLD_STATIC, NEW_STATIC] {
            let skip = Decision::Skip(SkipReason::StaticReservation);
            assert_eq!(decide(json, Phase::Reservations, None), skip, "{json}");
        }
    }

    #[test]
    fn a_disk_with_a_volume_is_never_unreserved() {
        let skip = Decision::Skip(SkipReason::VolumeLeft);
        assert_eq!(decide(VOLUME, Phase::Reservations, None), skip);
    }

    #[test]
    fn a_resource_says_whose_it_is() {
        let is_of = |json: &str, role: &str| {
            Resource::new(RawValue::from_string(json.into()).unwrap()).unwrap().is_of(role)
        };
        for (json, role) in [(OLD_DYNAMIC, "r"), (NO_PRINCIPAL, "r"), (REFINED, "a/r")] {
            assert!(is_of(json, role) && !is_of(json, "a"), "{json}");
        }
        let others = r#"{"role":"r","reservations":[{"type":"DYNAMIC","role":"q"}]}"#;
        for json in [others, "{}", r#"{"reservations":[]}"#, r#"{"reservations":[{}]}"#] {
            assert!(!is_of(json, "r"), "{json}");
        }
    }

    #[test]
    fn an_empty_amount_differs_from_a_missing_one() {
        let is_empty = |amount: &str| {
            let json = format!(r#"{{"role":"r","reservation":{{}}{amount}}}"#);
            Resource::new(RawValue::from_string(json).unwrap()).unwrap().is_empty()
        };
        for amount in ["0", "0.0", "0.0004", "-1"] {
            assert!(is_empty(&format!(r#","scalar":{{"value":{amount}}}"#)), "{amount}");
        }
        for amount in [r#","ranges":{"range":[]}"#, r#","ranges":{}"#, r#","set":{"item":[]}"#] {
            assert!(is_empty(amount), "{amount}");
        }
        for amount in [
            "",
            r#","scalar":{"value":0.001}"#,
            r#","scalar":{"value":0.0005}"#,
            r#","ranges":{"range":[{"begin":0,"end":0}]}"#,
            r#","set":{"item":["a"]}"#,
        ] {
            assert!(!is_empty(amount), "{amount}");
        }
    }

    #[test]
    fn a_reservation_stays_with_the_volume_that_it_carries() {
        let targeted = |json: &str, principal| {
            resource(json).targeted(Owner { principal, ..Owner::of_role("r") })
        };
        assert_eq!(targeted(VOLUME, None), (true, true));
        assert_eq!(targeted(VOLUME, Some("p")), (false, false));
        assert_eq!(targeted(VOLUME, Some("creator")), (true, false));
        assert_eq!(targeted(UNSIGNED_VOLUME, Some("p")), (true, true));
        assert_eq!(targeted(MOUNT_DISK, Some("p")), (false, true));
    }

    /// The same volume in the formats of before and since Mesos 1.4, with a label of its own
    /// reservation and, where reservations are stacked, another label below it.
    const LABELLED: [&str; 3] = [
        r#"{"name":"disk","role":"r","reservation":{"labels":{"labels":[{"key":"framework_id","value":"F"},{"key":"k","value":"v"},{"key":"alone"}]}},"disk":{"persistence":{"id":"v"}}}"#,
        r#"{"name":"disk","role":"r","reservation":{"labels":{"labels":[{"key":"below","value":"x"}]}},"reservations":[{"type":"DYNAMIC","role":"r","labels":{"labels":[{"key":"framework_id","value":"F"},{"key":"k","value":"v"},{"key":"alone"}]}}],"disk":{"persistence":{"id":"v"}}}"#,
        r#"{"name":"disk","reservations":[{"type":"DYNAMIC","role":"a","labels":{"labels":[{"key":"below","value":"x"},{"key":"framework_id","value":"G"}]}},{"type":"DYNAMIC","role":"r","labels":{"labels":[{"key":"framework_id","value":"F"},{"key":"k","value":"v"},{"key":"alone"}]}}],"disk":{"persistence":{"id":"v"}}}"#,
    ];

    #[test]
    fn a_resource_is_taken_by_the_labels_of_its_own_reservation() {
        let decide = |json: &str, labels: &[&str], framework_id| {
            let labels: Vec<_> = labels.iter().map(|it| LabelSelector::read(it).unwrap()).collect();
            let owner = Owner { labels: &labels, framework_id, ..Owner::of_role("r") };
            let (volume, reservation) = resource(json).targeted(owner);
            assert_eq!(volume, reservation, "a volume belongs to its reservation's labels");
            let decision = resource(json).decide(Phase::Volumes, owner);
            let skip = Decision::Skip(SkipReason::OtherLabels);
            assert_eq!(decision, if volume { Decision::Take } else { skip }, "{json}");
            volume
        };
        for json in LABELLED {
            for (labels, framework_id) in [
                (&["k"][..], None),
                (&["k=v"], None),
                (&["alone"], None),
                (&["k=v", "framework_id=F", "alone"], Some("F")),
                (&[], Some("F")),
            ] {
                assert!(decide(json, labels, framework_id), "{json} {labels:?}");
            }
            for (labels, framework_id) in [
                (&["k=w"][..], None),
                (&["k=v", "k=w"], None),
                (&["alone="], None),
                (&["K=v"], None),
                (&["below=x"], None),
                (&["k=v"], Some("G")),
                (&[], Some("v")),
                (&[], Some("f")),
            ] {
                assert!(!decide(json, labels, framework_id), "{json} {labels:?}");
            }
            assert_eq!(resource(json).framework_ids(), ["F"], "{json}");
        }
        let marathons = LABELLED[0].replace("framework_id", "marathon_framework_id");
        assert!(decide(&marathons, &[], Some("F")));
        for odd in ["[]", "null", r#"{"labels":[{"value":"F"}]}"#, r#"{"labels":{}}"#] {
            let odd = format!(r#"{{"role":"r","reservation":{{"labels":{odd}}}}}"#);
            assert_eq!(resource(&odd).labels().len(), 0, "{odd}");
            let owner = Owner { framework_id: Some("F"), ..Owner::of_role("r") };
            assert!(!resource(&odd).is_targeted(owner), "{odd}");
        }
    }

    #[test]
    fn a_principal_takes_only_what_it_made_itself() {
        let skip = || Decision::Skip(SkipReason::OtherPrincipal);
        assert_eq!(decide(VOLUME, Phase::Volumes, Some("creator")), Decision::Take);
        assert_eq!(decide(VOLUME, Phase::Volumes, Some("p")), skip());
        assert_eq!(decide(UNSIGNED_VOLUME, Phase::Volumes, Some("p")), Decision::Take);
        assert_eq!(decide(UNSIGNED_VOLUME, Phase::Volumes, Some("q")), skip());
        assert_eq!(decide(OLD_DYNAMIC, Phase::Reservations, Some("p")), Decision::Take);
        assert_eq!(decide(REFINED, Phase::Reservations, Some("p")), Decision::Take);
        assert_eq!(decide(REFINED, Phase::Reservations, Some("q")), skip());
        assert_eq!(decide(NO_PRINCIPAL, Phase::Reservations, Some("p")), skip());
    }
}
