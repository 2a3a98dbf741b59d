//! Random forms of resources that agents hold. The way in which a form was made, and not its text,
//! decides whether it may be sent.

use std::collections::BTreeMap;

use super::{PRINCIPAL, ROLE};
use janitor_guest::simulated::Chance;

/// The part of the role to which a target is limited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aim {
    /// The principal.
    pub principal: Option<&'static str>,
    /// The value of the label `k`.
    pub label: Option<&'static str>,
    /// The agent.
    pub agent: Option<&'static str>,
}

impl Aim {
    /// Chooses a part, often the whole.
    pub fn by_chance(chance: &mut Chance) -> Self {
        Self {
            principal: [None, Some(PRINCIPAL)][chance.below(2)],
            label: [None, None, Some("p"), Some("\u{e9}")][chance.below(4)],
            agent: [None, None, None, Some("S1")][chance.below(4)],
        }
    }
}

/// A resource that an agent holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// The agent's id.
    pub agent: String,
    /// The text of the resource in the list.
    pub text: String,
    /// The role under which the resource is listed.
    pub role: String,
    /// The principal that may destroy the volume, if the resource is one: its creator, or else its
    /// reserver; `Some(None)` if neither is known.
    pub volume: Option<Option<String>>,
    /// The principal that may release the resource, if it is a dynamic reservation without a
    /// volume.
    pub reservation: Option<Option<String>>,
    /// The value of the label `k` of the innermost reservation.
    pub label: Option<String>,
}

/// The resources that the agents of a cluster hold.
pub struct Agents(pub Vec<Held>);

/// A form, after the operator endpoint that it is for.
#[derive(Debug)]
pub struct Form {
    /// The endpoint and the form.
    pub line: String,
    /// True if the host must allow the form; it must deny all others.
    pub may_pass: bool,
}

/// The operator endpoints, and the name of the list in the form for each.
const OPERATIONS: [(&str, &str); 2] = [("destroy-volumes", "volumes"), ("unreserve", "resources")];

fn one<'a>(chance: &mut Chance, all: &[&'a str]) -> &'a str {
    all[chance.below(all.len())]
}

/// Chooses the principal that made something: the target's, another one, or nobody.
fn maker(chance: &mut Chance) -> Option<String> {
    [Some(PRINCIPAL), Some(PRINCIPAL), Some("q"), None][chance.below(4)].map(Into::into)
}

fn principal(maker: Option<&String>) -> String {
    maker.map(|it| format!(r#""principal":"{it}""#)).unwrap_or_default()
}

impl Held {
    fn by_chance(chance: &mut Chance, agent: &str) -> Self {
        let role = one(chance, &[ROLE, ROLE, ROLE, "other", "sends-forms/below"]).to_owned();
        let written = role.replace('/', r"\/");
        let (reserver, creator) = (maker(chance), maker(chance));
        let is_static = chance.below(6) == 0;
        let mut by = principal(reserver.as_ref());
        let mut value = None;
        if !is_static && chance.below(2) == 0 {
            let label =
                one(chance, &["a&b;c", "1+1=%2", r#"\/x\"{"#, "\u{e9}", r"\u00e9", "p", ROLE]);
            let comma = if by.is_empty() { "" } else { "," };
            value = serde_json::from_str(&format!("\"{label}\"")).unwrap();
            by += &format!(r#"{comma}"labels":{{"labels":[{{"key":"k","value":"{label}"}}]}}"#);
        }
        let comma = if by.is_empty() { "" } else { "," };
        let kind = if is_static { "STATIC" } else { "DYNAMIC" };
        let innermost = format!(r#"{{"type":"{kind}","role":"{written}"{comma}{by}}}"#);
        let simple = match is_static {
            true => format!(r#""role":"{written}""#),
            false => format!(r#""role":"{written}","reservation":{{{by}}}"#),
        };
        let refined = r#"{"type":"DYNAMIC","role":"sends-forms","principal":"p"}"#;
        let format = chance.below(3);
        // Only the newer formats name the principal of a static reservation.
        let reserver = reserver.filter(|_| !is_static || format > 0);
        let reserved = match format {
            0 => simple,
            1 => format!(r#"{simple},"reservations":[{innermost}]"#),
            _ => format!(r#""reservations":[{refined},{innermost}]"#),
        };
        let amount = match chance.below(3) {
            0 => format!(r#""type":"SCALAR","scalar":{{"value":{}.5}}"#, chance.below(8)),
            1 => r#""type":"RANGES","ranges":{"range":[{"begin":1,"end":2}]}"#.into(),
            _ => r#""type":"SET","set":{"item":["a"]}"#.into(),
        };
        let is_volume = chance.below(2) == 0;
        let disk = match (is_volume, chance.below(3)) {
            (true, _) => {
                let by = principal(creator.as_ref());
                let comma = if by.is_empty() { "" } else { "," };
                let id = chance.below(1000);
                format!(r#","disk":{{"persistence":{{"id":"v{id}"{comma}{by}}}}}"#)
            }
            (false, 0) => r#","disk":{"source":{"type":"MOUNT","mount":{"root":"\/m"}}}"#.into(),
            (false, _) => String::new(),
        };
        let space = one(chance, &["", "", "", " "]);
        let text = format!(r#"{{"name":"disk",{space}{amount},{reserved}{disk}}}"#);
        let volume = is_volume.then(|| creator.or(reserver.clone()));
        let reservation = (!is_volume && !is_static).then_some(reserver);
        Self { agent: agent.into(), text, role, volume, reservation, label: value }
    }

    /// Returns whether this may be sent in a form of one of the [`OPERATIONS`].
    pub fn is_in_scope(&self, operation: usize, aim: Aim) -> bool {
        let owner = if operation == 0 { &self.volume } else { &self.reservation };
        let is_own =
            |owner: &Option<String>| aim.principal.is_none_or(|it| owner.as_deref() == Some(it));
        self.role == ROLE
            && owner.as_ref().is_some_and(is_own)
            && aim.label.is_none_or(|it| self.label.as_deref() == Some(it))
            && aim.agent.is_none_or(|it| self.agent == it)
    }
}

impl Agents {
    /// Makes a few agents with a few resources each.
    pub fn by_chance(chance: &mut Chance) -> Self {
        let mut held = Vec::new();
        for agent in ["S0", "S1", "S2/x y"] {
            held.extend((0..4 + chance.below(6)).map(|_| Held::by_chance(chance, agent)));
        }
        Self(held)
    }

    /// Returns the master's list of the agents.
    pub fn list(&self) -> String {
        let mut agents = BTreeMap::<_, BTreeMap<_, Vec<_>>>::new();
        for Held { agent, text, role, .. } in &self.0 {
            let roles = agents.entry(agent).or_default();
            roles.entry(role).or_default().push(text.as_str());
        }
        let agents = agents.iter().map(|(agent, roles)| {
            let roles = roles.iter().map(|(role, texts)| {
                format!(r#""{}":[{}]"#, role.replace('/', r"\/"), texts.join(","))
            });
            let roles = roles.collect::<Vec<_>>().join(", ");
            format!(r#"{{"id":"{agent}","x":"}}]\"","reserved_resources_full":{{{roles}}}}}"#)
        });
        format!(r#"{{"slaves":[{}]}}"#, agents.collect::<Vec<_>>().join(",\n"))
    }

    fn may_be_sent(&self, operation: usize, agent: &str, texts: &[String], aim: Aim) -> bool {
        let is_own = |text: &String| {
            let mut same = self.0.iter().filter(|it| it.agent == agent && it.text == *text);
            same.any(|it| it.is_in_scope(operation, aim))
        };
        !texts.is_empty() && texts.iter().all(is_own)
    }
}

impl Form {
    /// Makes a form of resources that agents hold, unchanged or changed.
    pub fn by_chance(chance: &mut Chance, agents: &Agents, aim: Aim) -> Self {
        let operation = chance.below(2);
        let mut agent = agents.0[chance.below(agents.0.len())].agent.clone();
        let near = |it: &&Held| it.agent == agent && it.is_in_scope(operation, aim);
        let own: Vec<_> = agents.0.iter().filter(near).collect();
        let mut texts: Vec<String> = (0..1 + chance.below(3))
            .map(|_| match own.is_empty() || chance.below(12) == 0 {
                true => agents.0[chance.below(agents.0.len())].text.clone(),
                false => own[chance.below(own.len())].text.clone(),
            })
            .collect();
        if chance.below(2) == 0 {
            let place = chance.below(texts.len());
            texts[place] = changed(chance, &texts[place]);
        }
        match chance.below(20) {
            0 => agent = one(chance, &["S0", "S1", "S2/x y", "S3", "", "s0"]).into(),
            1 => texts.clear(),
            _ => {}
        }
        let (path, field) = OPERATIONS[operation];
        let right = encoded(&agent, field, &texts.join(","));
        let form = match chance.below(4) {
            0 => written_otherwise(chance, &right, &agent, field, &texts),
            _ => right.clone(),
        };
        let may_pass = form == right && agents.may_be_sent(operation, &agent, &texts, aim);
        Self { line: format!("{path} {form}"), may_pass }
    }
}

/// Makes one change to a resource.
fn changed(chance: &mut Chance, text: &str) -> String {
    let replaced = |from: &str, to: &str| text.replacen(from, to, 1);
    match chance.below(14) {
        0 => text.replace(r#""principal":"q""#, r#""principal":"p""#),
        1 => text.replace(r#""other""#, r#""sends-forms""#),
        2 => text.replace("STATIC", "DYNAMIC"),
        3 => replaced(".5}", ".25}"),
        4 => replaced(r#"{"value":"#, r#"{"value":0,"v":"#),
        5 => replaced(r#"[{"begin":1,"end":2}]"#, "[]"),
        6 => replaced(r#"["a"]"#, "[]"),
        7 => replaced(",", ", "),
        8 => replaced(r#"{"key":"k""#, r#"{"key":"l""#),
        9 => format!(r#"{},"x":1}}"#, text.trim_end_matches('}').to_owned() + "}"),
        10 => replaced("{", r#"{"role":"sends-forms","#),
        11 => replaced("disk", r"dis\u006b"),
        12 => {
            let (name, rest) = text.split_once(',').unwrap_or((text, "}"));
            let name = name.trim_start_matches('{');
            format!("{{{},{name}}}", rest.trim_end_matches('}').to_owned() + "}")
        }
        _ => {
            let mut bytes = text.as_bytes().to_vec();
            let place = chance.below(bytes.len());
            bytes[place] = b' ' + u8::try_from(chance.below(95)).unwrap();
            String::from_utf8(bytes).unwrap_or_else(|_| text.into())
        }
    }
}

/// Writes the same form, or nearly the same, in other characters.
fn written_otherwise(
    chance: &mut Chance,
    form: &str,
    agent: &str,
    field: &str,
    texts: &[String],
) -> String {
    match chance.below(12) {
        0 => form.replace('+', "%20"),
        1 => form.replace("%7B", "%7b"),
        2 => form.replacen("%7B", "{", 1),
        3 => form.replace("%2C", ","),
        4 => format!("{form}&{field}=%5B%5D"),
        5 => format!("{form};slaveId=S1"),
        6 => format!("{field}={}&slaveId={agent}", percent(&format!("[{}]", texts.join(",")))),
        7 => encoded(agent, field, &texts.join(", ")),
        8 => format!("{form}&"),
        9 => form.replacen("slaveId", "slave_id", 1),
        10 => form.replacen("%5B", "%5B%20", 1),
        _ => form.replacen(field, if field == "volumes" { "resources" } else { "volumes" }, 1),
    }
}

fn encoded(agent: &str, field: &str, list: &str) -> String {
    format!("slaveId={}&{field}={}", percent(agent), percent(&format!("[{list}]")))
}

/// Encodes a text as browsers do in a form.
fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'*' | b'-' | b'.' | b'_' => encoded.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}
