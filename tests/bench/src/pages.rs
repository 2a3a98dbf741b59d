//! What a master says of itself, and of what it does not list: one that has led for a
//! week, without frameworks.

/// The pages below the master's own URL that are read by GET.
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
        r#"{"master/elected":1.0,"master/uptime_secs":604810.0,"master/frameworks_active":0.0,"master/frameworks_inactive":0.0,"master/slaves_unreachable":0.0}"#,
    ),
    ("registrar(1)/registry", r#"{"master":{"info":{"id":"m"}}}"#),
    ("version", r#"{"version":"1.11.0"}"#),
];

/// The answer to a call of the v1 API.
pub fn v1(call: &[u8]) -> &'static str {
    if call.windows(10).any(|it| it == b"GET_MASTER") {
        r#"{"type":"GET_MASTER","get_master":{"start_time":99990.0,"elected_time":100000.0}}"#
    } else {
        r#"{"type":"GET_OPERATIONS","get_operations":{}}"#
    }
}

/// The page of a path, whatever is before its name; none for the list of agents.
pub fn page(path: &str) -> Option<&'static str> {
    let named = |(name, _): &&(&str, &str)| path.ends_with(name);
    OPERATOR.iter().chain(&ROOT).find(named).map(|(_, body)| *body)
}
