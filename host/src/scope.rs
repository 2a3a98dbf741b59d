//! Whose resources a run may remove: read out of every request that removes some,
//! by the host itself, so that a component that is wrong, or hostile, removes
//! nothing else.
//!
//! What Mesos takes for a resource's role and reserver is written down in its
//! documentation ("Reservation", "Persistent Volumes"): since 1.4 the last of
//! `reservations`, before that `role` and `reservation`.

use serde::Deserialize;

use crate::bindings::cleanup::Target;

/// Whose resources may be removed in one kind of request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scope {
    /// The form field with the list of resources.
    field: &'static str,
    /// Whether they are volumes to be destroyed, or reservations to be released.
    volumes: bool,
    role: String,
    principal: Option<String>,
}

#[derive(Deserialize)]
struct Resource {
    role: Option<String>,
    reservation: Option<Reservation>,
    reservations: Option<Vec<Reservation>>,
    disk: Option<Disk>,
}

#[derive(Deserialize)]
struct Reservation {
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    principal: Option<String>,
}

#[derive(Deserialize)]
struct Disk {
    persistence: Option<Persistence>,
}

#[derive(Deserialize)]
struct Persistence {
    principal: Option<String>,
}

impl Scope {
    /// The volumes of a target.
    pub(crate) fn volumes(target: &Target) -> Option<Self> {
        Self::new("volumes", true, target)
    }

    /// The reservations of a target.
    pub(crate) fn reservations(target: &Target) -> Option<Self> {
        Self::new("resources", false, target)
    }

    fn new(field: &'static str, volumes: bool, target: &Target) -> Option<Self> {
        let (role, principal) = (target.role.clone()?, target.principal.clone());
        Some(Self { field, volumes, role, principal })
    }

    /// Decides about the form of a request.
    ///
    /// # Errors
    /// What is in it that may not be removed, in one sentence.
    pub(crate) fn check(&self, form: &[u8]) -> Result<(), String> {
        if form.contains(&b';') {
            // libprocess would end a field there, and take the last of several.
            return Err("a form must not have a ';' that is not encoded".into());
        }
        let fields: Vec<_> = form_urlencoded::parse(form).collect();
        let [(agent, _), (field, list)] = &fields[..] else {
            return Err(format!("a form must have the fields slaveId and {}", self.field));
        };
        if agent != "slaveId" || field != self.field {
            return Err(format!("a form must have the fields slaveId and {}", self.field));
        }
        let list: Vec<Resource> = serde_json::from_str(list)
            .map_err(|why| format!("{} must be a list of resources: {why}", self.field))?;
        if list.is_empty() {
            return Err(format!("{} must not be empty", self.field));
        }
        list.iter().try_for_each(|resource| self.check_resource(resource))
    }

    fn check_resource(&self, resource: &Resource) -> Result<(), String> {
        let innermost = match &resource.reservations {
            Some(stack) => stack.last(),
            None => resource.reservation.as_ref(),
        };
        let stacked = resource.reservations.is_some();
        // Where both are written, both must be right.
        let inner_role = innermost.filter(|_| stacked).map(|it| it.role.as_deref());
        let roles = [inner_role.flatten(), resource.role.as_deref()];
        if let Some(role) = roles.into_iter().flatten().find(|role| *role != self.role) {
            return Err(format!("a resource of role '{role}', which is not '{}'", self.role));
        }
        if roles == [None, None] || (stacked && roles[0].is_none()) {
            return Err(format!("a resource of no role, which is not '{}'", self.role));
        }
        let reserver = innermost.and_then(|it| it.principal.as_deref());
        let volume = resource.disk.as_ref().and_then(|disk| disk.persistence.as_ref());
        let owner = match (self.volumes, volume) {
            (true, None) => return Err("a resource that is no volume".into()),
            (false, Some(_)) => return Err("a disk that still holds a volume".into()),
            (true, Some(volume)) => volume.principal.as_deref().or(reserver),
            (false, None) => {
                let dynamic =
                    innermost.is_some_and(|it| !stacked || it.kind.as_deref() == Some("DYNAMIC"));
                if !dynamic {
                    return Err("a resource that is not reserved dynamically".into());
                }
                reserver
            }
        };
        match &self.principal {
            Some(principal) if owner != Some(principal.as_str()) => Err(format!(
                "a resource that principal '{}' made, which is not '{principal}'",
                owner.unwrap_or_default()
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(volumes: bool, principal: Option<&str>) -> Scope {
        let target = Target {
            role: Some("r".into()),
            principal: principal.map(Into::into),
            znode: None,
            marathon_app: None,
        };
        if volumes { Scope::volumes(&target) } else { Scope::reservations(&target) }.unwrap()
    }

    fn form(field: &str, list: &str) -> Vec<u8> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("slaveId", "S1").append_pair(field, list).finish().into_bytes()
    }

    const OLD: &str = r#"{"name":"cpus","role":"r","reservation":{"principal":"p"}}"#;
    const NEW: &str = r#"{"name":"cpus","role":"r","reservation":{"principal":"p"},"reservations":[{"type":"DYNAMIC","role":"r","principal":"p"}]}"#;
    const REFINED: &str = r#"{"name":"cpus","reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"r","principal":"p"}]}"#;
    const VOLUME: &str = r#"{"name":"disk","role":"r","reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"c"}}}"#;
    const UNSIGNED: &str = r#"{"name":"disk","role":"r","reservation":{"principal":"p"},"disk":{"persistence":{"id":"v"}}}"#;

    #[test]
    fn the_targets_resources_may_go() {
        for list in [OLD, NEW, REFINED] {
            for principal in [None, Some("p")] {
                let form = form("resources", &format!("[{list}]"));
                assert_eq!(scope(false, principal).check(&form), Ok(()), "{list}");
            }
        }
        for (list, principal) in
            [(VOLUME, None), (VOLUME, Some("c")), (UNSIGNED, None), (UNSIGNED, Some("p"))]
        {
            let form = form("volumes", &format!("[{list}]"));
            assert_eq!(scope(true, principal).check(&form), Ok(()), "{list}");
        }
    }

    #[test]
    fn nothing_else_may_go() {
        let denied = |volumes: bool, list: &str, word: &str| {
            let field = if volumes { "volumes" } else { "resources" };
            let form = form(field, list);
            let why = scope(volumes, Some("p")).check(&form).unwrap_err();
            assert!(why.contains(word), "{list}: {why}");
        };
        for (list, word) in [
            (format!("[{OLD},{}]", OLD.replace(r#""r""#, r#""s""#)), "role 's'"),
            (
                format!(
                    "[{}]",
                    NEW.replace(r#""role":"r","reservation":"#, r#""role":"s","reservation":"#)
                ),
                "role 's'",
            ),
            (
                format!("[{}]", NEW.replace(r#""DYNAMIC","role":"r""#, r#""DYNAMIC","role":"s""#)),
                "role 's'",
            ),
            (format!("[{}]", REFINED.replace(r#""role":"r""#, r#""role":"r/s""#)), "role 'r/s'"),
            (format!("[{}]", REFINED.replace("DYNAMIC", "STATIC")), "not reserved dynamically"),
            (
                format!("[{}]", OLD.replace(r#","reservation":{"principal":"p"}"#, "")),
                "dynamically",
            ),
            (format!("[{}]", OLD.replace(r#""p""#, r#""q""#)), "'q' made"),
            (r#"[{"name":"cpus","role":"r","reservation":{}}]"#.into(), "'' made"),
            (r#"[{"name":"cpus"}]"#.into(), "no role"),
            (r#"[{"name":"cpus","role":"r","reservations":[]}]"#.into(), "no role"),
            (format!("[{UNSIGNED}]"), "still holds a volume"),
            (r#"[{"role":"r","role":"s","reservation":{"principal":"p"}}]"#.into(), "duplicate"),
            ("[]".into(), "empty"),
            ("{}".into(), "list"),
            (String::new(), "list"),
        ] {
            denied(false, &list, word);
        }
        denied(true, &format!("[{VOLUME}]"), "'c' made");
        denied(true, &format!("[{OLD}]"), "no volume");
        for form in [
            "slaveId=S1",
            "resources=[]&slaveId=S1",
            "slaveId=S1&resources=[]&resources=[]",
            "slaveId=S1&volumes=[]",
            "",
        ] {
            let why = scope(false, None).check(form.as_bytes()).unwrap_err();
            assert!(why.contains("fields"), "{form}");
        }
        let smuggled = format!("slaveId=S1;slaveId=S2&resources=[{OLD}]");
        let why = scope(false, None).check(smuggled.as_bytes()).unwrap_err();
        assert!(why.contains("';'"), "{why}");
    }
}
