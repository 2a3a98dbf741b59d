//! Real masters: the resources that they are asked to reserve, and the ports on which they serve.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

/// Returns a port that nobody listens on. Systems do not assign it as an ephemeral port, and no
/// two calls return the same one, so it stays free until it is used, and while a master is
/// restarted.
#[must_use]
pub fn free_port() -> u16 {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    // Another suite that runs at the same time uses other ports.
    let first = process::id() % 10_000;
    loop {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + ((first + u32::from(call)) % 10_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Returns an amount of cpus.
#[must_use]
pub fn cpus(value: f64) -> Value {
    json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": value}})
}

/// Returns an amount of memory.
#[must_use]
pub fn mem(value: f64) -> Value {
    json!({"name": "mem", "type": "SCALAR", "scalar": {"value": value}})
}

/// Returns a part of the root disk.
#[must_use]
pub fn disk(value: f64) -> Value {
    json!({"name": "disk", "type": "SCALAR", "scalar": {"value": value}})
}

/// Returns a volume on a disk.
#[must_use]
pub fn volume(disk: &Value, id: &str) -> Value {
    let volume = json!({
        "persistence": {"id": id.replace('/', "-")},
        "volume": {"mode": "RW", "container_path": "data"},
    });
    let mut disk = disk.clone();
    let source = disk.get("disk").cloned().unwrap_or(json!({}));
    disk["disk"] = with(&source, &volume);
    disk
}

/// Returns a simple dynamic reservation.
#[must_use]
pub fn reserved_for(role: &str, principal: &str) -> Value {
    json!({"role": role, "reservation": {"principal": principal}})
}

/// Merges the fields of another object into an object.
#[must_use]
pub fn with(object: &Value, fields: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in fields.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}
