//! The pages of a master other than its list of agents. The master has led for a week, and has no
//! frameworks.

/// The pages below the master's own URL that are read with GET.
pub const OPERATOR: [(&str, &str); 4] = [
    ("frameworks", r#"{"frameworks":[]}"#),
    ("roles", r#"{"roles":[]}"#),
    ("state", r#"{"start_time":99990.0,"elected_time":100000.0}"#),
    ("maintenance/status", "{}"),
];

/// The pages at the server's root.
pub const ROOT: [(&str, &str); 3] = [
    (
        "metrics/snapshot",
        r#"{"master/elected":1.0,"master/uptime_secs":604810.0,"master/frameworks_active":0.0,"master/frameworks_inactive":0.0,"master/slave_registrations":1000000.0,"master/slaves_unreachable":0.0}"#,
    ),
    ("registrar(1)/registry", r#"{"master":{"info":{"id":"m"}}}"#),
    ("version", r#"{"version":"1.11.0"}"#),
];

/// Returns the response to a call of the v1 API.
pub fn v1(call: &[u8]) -> &'static str {
    if call.windows(10).any(|it| it == b"GET_MASTER") {
        r#"{"type":"GET_MASTER","get_master":{"start_time":99990.0,"elected_time":100000.0}}"#
    } else {
        r#"{"type":"GET_OPERATIONS","get_operations":{}}"#
    }
}

/// Returns the page at a path, whatever precedes its name; `None` for the list of agents.
pub fn page(path: &str) -> Option<&'static str> {
    let named = |(name, _): &&(&str, &str)| path.ends_with(name);
    OPERATOR.iter().chain(&ROOT).find(named).map(|(_, body)| *body)
}
