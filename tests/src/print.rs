//! Formats resources as in Mesos's error messages.

use serde_json::Value;

use crate::resource::Resource;
use crate::version::Version;

impl Resource {
    /// Formats the resource as Mesos does, for example `disk(reservations:
    /// [(DYNAMIC,kafka-role,kafka-principal)])[volume-id:path]:512`.
    pub(crate) fn print(&self, version: Version) -> String {
        let mut text = self.name().to_owned();
        if let Some(role) = self.field("allocation_info").and_then(|info| info["role"].as_str()) {
            text += &format!("(allocated: {role})");
        }
        let reservations = self.reservations();
        if !version.since(1, 4) {
            // This is the old format: `cpus(*):1`, `cpus(kafka-role, kafka-principal):1`.
            let mut parts = vec![self.role()];
            parts.extend(reservations.iter().flat_map(print_owner));
            text += &format!("({})", parts.join(", "));
        } else if !reservations.is_empty() {
            let print = |one: &Value| {
                let word = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
                let mut parts = vec![word("type"), word("role")];
                parts.extend(print_owner(one));
                format!("({})", parts.join(","))
            };
            let reservations: Vec<_> = reservations.iter().map(print).collect();
            text += &format!("(reservations: [{}])", reservations.join(","));
        }
        if self.has_disk() {
            text += &format!("[{}]", self.print_disk());
        }
        if self.is_shared() {
            text += "<SHARED>";
        }
        text += &format!(":{}", self.amount());
        if self.is_shared() {
            text += "<1>";
        }
        text
    }

    fn print_disk(&self) -> String {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut parts = Vec::new();
        if let Some(source) = self.disk("source") {
            let kind = word(&source["type"]);
            let root = word(&source[kind.to_lowercase()]["root"]);
            let root = if root.is_empty() { root } else { format!(":{root}") };
            parts.push(format!("{kind}{root}"));
        }
        if let Some(persistence) = self.disk("persistence") {
            let path = self.disk("volume").map(|volume| word(&volume["container_path"]));
            let path = path.map(|path| format!(":{path}")).unwrap_or_default();
            parts.push(format!("{}{path}", word(&persistence["id"])));
        }
        parts.join(",")
    }
}

/// Formats the principal and the labels of a reservation, if it has any.
fn print_owner(reservation: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    if let Some(principal) = reservation.get("principal") {
        parts.push(word(principal));
    }
    if let Some(labels) = reservation.get("labels") {
        let labels = labels["labels"].as_array().cloned().unwrap_or_default();
        let print = |label: &Value| format!("{}: {}", word(&label["key"]), word(&label["value"]));
        let labels: Vec<_> = labels.iter().map(print).collect();
        parts.push(format!("{{{}}}", labels.join(", ")));
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::resource::Resource;
    use crate::version::Version;

    #[test]
    fn before_1_4_the_role_comes_first() {
        let resource =
            Resource::read(&json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5},
            "role": "r", "reservation": {"principal": "p"}}))
            .unwrap();
        assert_eq!(resource.print(Version::parse("0.28.1")), "cpus(r, p):0.5");
        assert_eq!(
            resource.print(Version::parse("1.4.0")),
            "cpus(reservations: [(DYNAMIC,r,p)]):0.5"
        );
    }
}
