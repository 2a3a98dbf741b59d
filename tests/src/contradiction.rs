//! Detects reservations that are written twice and contradict each other.

use serde_json::Value;

use crate::resource::Resource;

impl Resource {
    /// Returns the error of a master of 1.4 or later about `role` and `reservation`, which may only
    /// repeat the values of a single entry of `reservations`.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let role = self.field("role").and_then(Value::as_str);
        let reservation = self.field("reservation");
        let complaint = match self.field("reservations")?.as_array()?.as_slice() {
            [] => None,
            [only] => simple(role, reservation, only),
            _ => refined(role, reservation),
        };
        Some(format!("Invalid resource format: {}", complaint?))
    }
}

fn simple(role: Option<&str>, reservation: Option<&Value>, only: &Value) -> Option<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let theirs = word(&only["role"]);
    if let Some(role) = role.filter(|role| *role != theirs) {
        return Some(format!(
            "'Resource.role' field with '{role}' does not match the role '{theirs}' \
             in 'Resource.reservations'"
        ));
    }
    if only["type"] == "STATIC" {
        let complaint = "'Resource.reservation' must not be set if the single reservation \
                         in 'Resource.reservations' is STATIC";
        return reservation.map(|_| complaint.to_owned());
    }
    let Some((_, reservation)) = role.zip(reservation) else {
        let complaint = "'Resource.role' and 'Resource.reservation' must either be both set or \
                         both not set if the single reservation in 'Resource.reservations' is \
                         DYNAMIC";
        return (role.is_some() || reservation.is_some()).then(|| complaint.to_owned());
    };
    let (ours, theirs) = (word(&reservation["principal"]), word(&only["principal"]));
    if ours != theirs {
        return Some(format!(
            "'Resource.reservation.principal' field with '{ours}' does not match the principal \
             '{theirs}' in 'Resource.reservations'"
        ));
    }
    let complaint = "'Resource.reservation.labels' field does not match the labels \
                     in 'Resource.reservations'";
    (reservation.get("labels") != only.get("labels")).then(|| complaint.to_owned())
}

fn refined(role: Option<&str>, reservation: Option<&Value>) -> Option<String> {
    let field = match (role, reservation) {
        (Some(_), _) => "role",
        (None, Some(_)) => "reservation",
        (None, None) => return None,
    };
    Some(format!(
        "'Resource.{field}' must not be set if there is more than one reservation \
         in 'Resource.reservations'"
    ))
}
