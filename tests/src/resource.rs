//! A Mesos resource, stored as the original JSON.

use serde_json::{Map, Value, json};

use crate::amount::Amount;

/// The fields that, together with the reservations, identify a resource.
const IDENTITY: [&str; 7] =
    ["name", "type", "disk", "shared", "revocable", "provider_id", "allocation_info"];

/// One entry of a list of resources.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource(Map<String, Value>);

impl Resource {
    /// Reads an entry; errors have Mesos's wording.
    pub(crate) fn read(json: &Value) -> Result<Resource, String> {
        let fields = json.as_object().ok_or("Expecting a JSON object")?;
        let missing: Vec<_> =
            ["name", "type"].into_iter().filter(|name| !fields.contains_key(*name)).collect();
        if missing.is_empty() {
            Ok(Resource(fields.clone()))
        } else {
            Err(format!("Missing required fields: {}", missing.join(", ")))
        }
    }

    pub(crate) fn into_json(self) -> Value {
        Value::Object(self.0)
    }

    pub(crate) fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// Returns the role that the resource is reserved for, or `*`.
    pub(crate) fn role(&self) -> String {
        let last = self.reservations().pop();
        let role = last.as_ref().and_then(|last| last.get("role"));
        role.and_then(Value::as_str).unwrap_or("*").to_owned()
    }

    /// Returns the reservations, outermost first, whichever format they are written in.
    pub(crate) fn reservations(&self) -> Vec<Value> {
        if let Some(Value::Array(list)) = self.0.get("reservations") {
            return list.clone();
        }
        let Some(role) = self.text("role").filter(|role| *role != "*") else {
            return Vec::new();
        };
        let mut one = json!({"type": "STATIC", "role": role});
        if let Some(Value::Object(reservation)) = self.0.get("reservation") {
            one["type"] = json!("DYNAMIC");
            for (key, value) in reservation {
                one[key] = value.clone();
            }
        }
        vec![one]
    }

    /// Returns whether the reservation is dynamic rather than part of the agent's configuration.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.reservations().last().is_some_and(|last| last["type"] == "DYNAMIC")
    }

    pub(crate) fn is_static(&self) -> bool {
        let reservations = self.reservations();
        !reservations.is_empty() && reservations.iter().all(|one| one["type"] == "STATIC")
    }

    pub(crate) fn disk(&self, field: &str) -> Option<&Value> {
        self.0.get("disk")?.get(field)
    }

    pub(crate) fn has_disk(&self) -> bool {
        self.0.contains_key("disk")
    }

    pub(crate) fn is_volume(&self) -> bool {
        self.disk("persistence").is_some()
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.0.contains_key("shared")
    }

    /// Returns whether the resource can only be used as a whole: a volume, or a separate disk.
    pub(crate) fn is_whole(&self) -> bool {
        let source = self.disk("source").map(|source| &source["type"]);
        self.is_volume() || source.is_some_and(|kind| kind == "MOUNT" || kind == "BLOCK")
    }

    pub(crate) fn provider(&self) -> Option<&str> {
        self.0.get("provider_id")?.get("value")?.as_str()
    }

    /// Returns what two resources must have in common to be of the same kind: everything except the
    /// amount, whichever format they use. The order of labels does not matter.
    pub(crate) fn identity(&self) -> Value {
        let mut identity = Map::new();
        for key in IDENTITY {
            if let Some(value) = self.0.get(key) {
                identity.insert(key.to_owned(), value.clone());
            }
        }
        let mut reservations = self.reservations();
        for reservation in &mut reservations {
            if let Some(Value::Array(labels)) = reservation.pointer_mut("/labels/labels") {
                labels.sort_by_key(Value::to_string);
            }
        }
        identity.insert("reservations".to_owned(), reservations.into());
        Value::Object(identity)
    }

    pub(crate) fn amount(&self) -> Amount {
        Amount::read(&self.0)
    }

    pub(crate) fn set_amount(&mut self, amount: &Amount) {
        let (key, value) = amount.write();
        self.0.insert(key.to_owned(), value);
    }

    /// Returns the disk space that remains when the volume is destroyed.
    pub(crate) fn without_volume(mut self) -> Resource {
        self.0.shift_remove("shared");
        if let Some(Value::Object(disk)) = self.0.get_mut("disk") {
            disk.shift_remove("persistence");
            disk.shift_remove("volume");
            if disk.is_empty() {
                self.0.shift_remove("disk");
            }
        }
        self
    }

    /// Returns the resource without its innermost reservation.
    pub(crate) fn popped(&self) -> Resource {
        let mut reservations = self.reservations();
        reservations.pop();
        self.reserved(&reservations)
    }

    /// Returns the resource without reservations.
    pub(crate) fn unreserved(&self) -> Resource {
        self.reserved(&[])
    }

    /// Returns the resource in the format of the v1 API, with `reservations` alone.
    pub(crate) fn refined(&self) -> Value {
        let mut fields = self.reserved(&self.reservations()).0;
        fields.shift_remove("role");
        fields.shift_remove("reservation");
        Value::Object(fields)
    }

    /// Returns the resource with other reservations, in Mesos's format.
    fn reserved(&self, reservations: &[Value]) -> Resource {
        let mut fields = Map::new();
        for key in ["name", "type"].into_iter().chain(Amount::KEYS) {
            if let Some(value) = self.0.get(key) {
                fields.insert(key.to_owned(), value.clone());
            }
        }
        if reservations.is_empty() {
            fields.insert("role".to_owned(), json!("*"));
        }
        if let [only] = reservations {
            fields.insert("role".to_owned(), only["role"].clone());
            if only["type"] == "DYNAMIC" {
                let mut reservation = only.as_object().cloned().unwrap_or_default();
                reservation.shift_remove("type");
                reservation.shift_remove("role");
                fields.insert("reservation".to_owned(), reservation.into());
            }
        }
        if !reservations.is_empty() {
            fields.insert("reservations".to_owned(), reservations.to_vec().into());
        }
        for (key, value) in &self.0 {
            if !matches!(key.as_str(), "role" | "reservation" | "reservations") {
                fields.entry(key).or_insert_with(|| value.clone());
            }
        }
        Resource(fields)
    }

    /// Returns a field of the resource.
    pub(crate) fn field(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Resource;

    fn read(json: Value) -> Resource {
        Resource::read(&json).unwrap()
    }

    #[test]
    fn both_formats_say_the_same() {
        let labels = json!({"labels": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]});
        let swapped = json!({"labels": [{"value": "2", "key": "b"}, {"key": "a", "value": "1"}]});
        let old = read(json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 1},
            "role": "r", "reservation": {"principal": "p", "labels": labels}}));
        let new = read(json!({"type": "SCALAR", "name": "cpus", "scalar": {"value": 2.5},
            "reservations": [{"role": "r", "type": "DYNAMIC", "principal": "p", "labels": swapped}]}));
        let unlabelled = read(json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 1},
            "role": "r", "reservation": {"principal": "p"}}));
        assert_eq!(old.identity(), new.identity());
        assert_ne!(old.identity(), unlabelled.identity());
        let mut relabelled = old.clone().into_json();
        relabelled["reservation"]["labels"]["labels"][0]["value"] = json!("3");
        assert_ne!(old.identity(), read(relabelled).identity());
    }

    #[test]
    fn a_role_without_reservation_is_static() {
        let resource = read(json!({"name": "cpus", "type": "SCALAR", "role": "r"}));
        assert!(resource.is_static() && !resource.is_dynamic());
        let free = read(json!({"name": "cpus", "type": "SCALAR", "role": "*"}));
        assert!(!free.is_static() && !free.is_dynamic());
    }
}
