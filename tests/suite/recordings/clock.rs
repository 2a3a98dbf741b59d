//! The clock of a run: a recording keeps its times, and a replay repeats them.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use janitor_contract::types::Error;
use janitor_host::{Call, Endpoints, Entry, Janitor, Level, Options, Session, Target};
use janitor_transport::exchange::{Exchange, Request, Response, Transport};
use janitor_transport::recording::har::Run;
use janitor_transport::recording::read::Replay;
use janitor_transport::recording::write::Recording;
use serde_json::{Value, json};

/// The component's behaviour: three times it sends a request, reports the time, and pauses for a
/// second.
const BEHAVIOUR: &str = "tells the time";

pub fn a_slow_run() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.har"), folder.path().join("second.har"));
    let times = recorded(&first, Box::new(Slow::default()));
    assert_eq!(times, ["38000 ms", "77000 ms", "116000 ms"]);
    let replay = Replay::open(&first).unwrap();
    assert_eq!(replay.run().elapsed, Some(vec![38_000, 77_000, 116_000]));
    // The recording of a replay keeps the same answers of the clock.
    assert_eq!(recorded(&second, replay.transport()), times);
    assert_eq!(replay.deviations(), [""; 0]);
    assert_eq!(without_dates(&first), without_dates(&second));
}

pub fn an_older_recording() {
    let (times, deviations) = replayed_with(Value::Null);
    assert_eq!(times, ["0 ms", "1000 ms", "2000 ms"]);
    assert_eq!(deviations, [""; 0]);
}

pub fn another_number_of_readings() {
    let (times, deviations) = replayed_with(json!([5_000]));
    assert_eq!(times, ["5000 ms", "6000 ms", "7000 ms"]);
    let words = "the clock was read 3 times, and 1 times in the recorded run";
    assert_eq!(deviations, [words]);
    let (times, deviations) = replayed_with(json!([5_000, 7_000, 6_000, 9_000]));
    assert_eq!(times, ["5000 ms", "7000 ms", "7000 ms"], "it never goes back");
    let words = "the clock was read 3 times, and 4 times in the recorded run";
    assert_eq!(deviations, [words]);
}

/// Records a run. Returns the times that the component reported.
fn recorded(file: &Path, transport: Box<dyn Transport>) -> Vec<String> {
    let run = Run {
        schema_version: Run::SCHEMA_VERSION,
        component: String::new(),
        endpoints: Endpoints::default(),
        call: Call::Clean(target()),
        options: Options::DEFAULT,
        stopped_at: None,
        elapsed: None,
        window: 32,
    };
    let recording = Recording::begin(file, run).unwrap();
    let times = times(recording.through(transport));
    recording.finish(None).unwrap();
    times
}

/// Replays a slow run whose recording contains other times. Returns the times that the component
/// reported, and how the run differs.
fn replayed_with(elapsed: Value) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slow.har");
    recorded(&file, Box::new(Slow::default()));
    let mut har: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    har["log"]["_janitor"]["elapsed"] = elapsed;
    fs::write(&file, har.to_string()).unwrap();
    let replay = Replay::open(&file).unwrap();
    let times = times(replay.transport());
    (times, replay.deviations())
}

fn target() -> Target {
    Target { role: Some(BEHAVIOUR.into()), ..Target::NOTHING }
}

/// Runs the component, and returns the times that it reports.
#[allow(unsafe_code)]
fn times(transport: Box<dyn Transport>) -> Vec<String> {
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    let janitor = unsafe { Janitor::from_precompiled(janitor_tests::MISBEHAVING, "") }.unwrap();
    let lines = Arc::<Mutex<Vec<_>>>::default();
    let log = lines.clone();
    let session = Session::new(transport).with_log(move |entry: &Entry| {
        if entry.level == Level::Info {
            log.lock().unwrap().push(entry.message.clone());
        }
    });
    janitor.clean(&target(), &Options::DEFAULT, session).unwrap();
    let lines = lines.lock().unwrap();
    lines.clone()
}

/// Returns a recording without the dates and durations of its exchanges, which HAR requires.
fn without_dates(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let is_date = |line: &&str| {
        let fields = ["\"startedDateTime\":", "\"time\":", "\"wait\":", "\"receive\":"];
        !fields.iter().any(|field| line.trim_start().starts_with(field))
    };
    text.lines().filter(is_date).collect::<Vec<_>>().join("\n")
}

/// A network on which every answer takes 38 seconds, by a clock of its own.
#[derive(Default)]
struct Slow(Duration);

impl Transport for Slow {
    fn send(&mut self, _: Request) -> Box<dyn Exchange> {
        self.0 += Duration::from_secs(38);
        Box::new(Empty)
    }

    fn pause(&mut self, duration: Duration) {
        self.0 += duration;
    }

    fn elapsed(&mut self, _: Duration) -> Duration {
        self.0
    }
}

struct Empty;

impl Exchange for Empty {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        Ok(Response { status: 200, content_type: None, body: Box::new(Cursor::new(Vec::new())) })
    }
}
