//! The page that shows a run (`docs/viewer`), in Chromium. It is built once for all tests.

pub mod browser;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use std::{env, fs};

use http::header::CONTENT_TYPE;
use janitor_host::{Janitor, Options, Session, Target};
use janitor_tests::Answering;
use janitor_transport::exchange::{Exchange, Request, Response, Transport};
use serde_json::{Value, json};

use crate::command::{program, recordings, replay, run, tests};
use crate::composed;
use crate::needs::{installed, needed};
use browser::Browser;
use janitor_contract::types::Error;

/// The page with janitor's own component.
static PAGE: LazyLock<PathBuf> = LazyLock::new(|| build("viewer", &composed::JANITOR));

/// Builds the page with the components of a folder.
fn build(name: &str, components: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut build = program("node");
    build.arg(tests("../docs/viewer/build.mjs")).arg(components).arg(&folder);
    let built = run(&mut build);
    assert_eq!(built.exit, 0, "{built:?}");
    folder.join("janitor-viewer.html")
}

/// Checks that the page can be built and shown.
///
/// # Errors
/// Fails with the remedy if something is not installed.
pub fn is_installed() -> Result<(), String> {
    installed("chromium").map_err(|why| format!("{why}: install the package chromium"))?;
    let transpiler = tests("../host/node/node_modules/@bytecodealliance/jco-transpile");
    let is_there = transpiler.exists();
    is_there.then_some(()).ok_or_else(|| "run tests/embedders/setup.sh".into())
}

/// Opens the page in a browser, if there is one.
fn page() -> Option<Browser> {
    needed(is_installed())?;
    Some(open(&PAGE))
}

fn open(page: &Path) -> Browser {
    Browser::start(&format!("file://{}", page.display()))
}

/// Returns the report of each recording's replay in the page.
pub fn reports(files: &[PathBuf]) -> Vec<String> {
    let mut browser = open(&PAGE);
    files.iter().map(|file| document(&mut browser, file)["report"].to_string()).collect()
}

/// Opens a recording in the page, and returns the result as JSON.
fn document(browser: &mut Browser, file: &Path) -> Value {
    let status = browser.open(file);
    assert!(status.ends_with(" is shown."), "{status}: {}", browser.text("#view"));
    let json = browser.evaluate("document.querySelector('#document').textContent");
    serde_json::from_str(json.as_str().unwrap()).unwrap()
}

#[test]
fn every_recording_has_the_commands_result() {
    let Some(mut browser) = page() else { return };
    for file in recordings() {
        let result = document(&mut browser, &file);
        let expected = fs::read(file.with_extension("json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        for field in ["reason", "message", "report", "plan", "inventory"] {
            let (result, expected) = (result[field].to_string(), expected[field].to_string());
            assert_eq!(result, expected, "{}: {field}", file.display());
        }
        assert!(!browser.text("#view").contains("This run differs"), "{}", file.display());
        let lines = browser.evaluate("document.querySelectorAll('.log li').length");
        let printed = fs::read_to_string(file.with_extension("events")).unwrap();
        let shown = printed
            .lines()
            .filter(|line| line.starts_with('{') && !line.starts_with(r#"{"level":"Debug""#));
        assert_eq!(lines, shown.count(), "{}", file.display());
    }
    assert_eq!(browser.faults(), [""; 0]);
}

/// Writes a file that differs from a file in `tests`.
fn changed(name: &str, from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
    let text = fs::read_to_string(tests(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.json");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    (folder, file)
}

const RECORDING: &str = "recordings/cassandra-0.28.1.har";
const PLAN: &str = "scenarios/a-plan-that-is-applied/plan.json";

#[test]
fn a_difference_is_described_as_the_command_does() {
    let Some(mut browser) = page() else { return };
    for (from, to) in [
        ("/master/destroy-volumes", "/master/destroy-volume"),
        (r#""znode": "cassandra""#, r#""znode": null"#),
        (r#""status": 200"#, r#""status": 0"#),
        (r#""status": 200"#, r#""status": 199"#),
        (
            r#""mimeType": "application/json","#,
            r#""mimeType": "application/json", "encoding": "gzip","#,
        ),
        (r#""cache": {},"#, r#""cache": {}, "_error": "Reset","#),
        (r#""cache": {},"#, r#""cache": {}, "_error": {"TooLarge": 1},"#),
        (r#""window": 32"#, r#""window": 1"#),
        (r#""window": 32"#, r#""window": 32, "stopped_at": 3"#),
        (r#""elapsed": ["#, r#""elapsed": [0,"#),
    ] {
        let (_folder, file) = changed(RECORDING, from, to);
        let command = run(replay(&file).args(["--output", "json"]));
        let result = document(&mut browser, &file);
        let expected: Value = serde_json::from_str(&command.stdout).unwrap();
        for field in ["reason", "report"] {
            assert_eq!(result[field].to_string(), expected[field].to_string(), "{to}: {field}");
        }
        let shown = browser.evaluate(
            "[...document.querySelectorAll('#view > .banner li')].map((it) => it.textContent)",
        );
        let differs = "janitor: this run differs from the recorded one:";
        let notes = command.stderr.lines().skip_while(|line| *line != differs).skip(1);
        let notes = notes.filter_map(|line| line.strip_prefix("janitor: "));
        let notes: Vec<_> = notes.filter(|line| !line.contains("it was recorded with")).collect();
        assert_eq!(shown, json!(notes), "{to}");
        let parts = |document: &Value| document["parts"].as_array().cloned().unwrap_or_default();
        let (found, wanted) = (parts(&result), parts(&expected));
        assert_eq!(found.len(), wanted.len(), "{}", file.display());
        for (found, wanted) in found.iter().zip(&wanted) {
            for field in ["target", "reason", "message", "report", "plan"] {
                let (found, wanted) = (found[field].to_string(), wanted[field].to_string());
                assert_eq!(found, wanted, "{}: {field}", file.display());
            }
        }
    }
}

#[test]
fn a_file_that_the_command_refuses_is_refused() {
    let Some(mut browser) = page() else { return };
    for (name, from, to, why) in [
        (RECORDING, r#""schema_version": 1"#, r#""schema_version": 2"#, "its schema_version is 2"),
        (RECORDING, r#""strict": "#, r#""new": 1, "strict": "#, "unknown field `options.new`"),
        (RECORDING, r#""window": "#, r#""window": 1, "window": "#, "duplicate key `window`"),
        (RECORDING, r#""Refuse""#, r#""Ask""#, "`options.in_use` must be a case"),
        (RECORDING, r#""_janitor""#, r#""_other""#, "not by janitor"),
        (PLAN, r#""schema_version": 1"#, r#""schema_version": 2"#, "its schema_version is 2"),
        (PLAN, r#""refusal""#, r#""refused""#, "unknown field `plan.refused`"),
        (PLAN, r#""dynamic": true"#, r#""dynamic": 1"#, "must be a boolean"),
        (PLAN, "{", "", "is not JSON"),
    ] {
        let (_folder, file) = changed(name, from, to);
        let status = browser.open(&file);
        assert!(status.ends_with(" cannot be shown."), "{to}: {status}");
        let shown = browser.text("#view");
        assert!(shown.contains(why), "{to}: {shown}");
    }
    // Options that did not exist yet get their defaults.
    assert!(!fs::read_to_string(tests(PLAN)).unwrap().contains("strict"));
    assert!(browser.open(&tests(PLAN)).ends_with(" is shown."));
    assert!(!browser.text("#view").contains("cannot be applied"));
    // A contradiction is found by the component itself.
    let (_folder, file) = changed(PLAN, r#""znode": "cassandra""#, r#""znode": null"#);
    assert!(browser.open(&file).ends_with(" is shown."));
    assert!(browser.text("#view").contains("This plan cannot be applied."));
}

#[test]
fn a_component_that_breaks_its_contract_is_no_success() {
    if needed(is_installed()).is_none() {
        return;
    }
    let mut browser = open(&build("viewer-misbehaving", &composed::MISBEHAVING));
    for (role, words) in [
        ("panics", "The component broke its contract."),
        ("sends and forgets", "more than 32 exchanges in flight"),
        ("asks for what is not its business", "request not allowed: GET master/quota"),
    ] {
        let (_folder, file) = changed(RECORDING, "cassandra_role", role);
        assert!(browser.open(&file).ends_with(" is shown."));
        let verdict = browser.text("#view > .banner.bad");
        assert!(verdict.contains(words), "{role}: {verdict}");
        assert!(!browser.text("#view").contains("The cleanup completed"), "{role}");
    }
    let critical = browser.text(".log");
    assert!(critical.contains("request not allowed"), "{critical}");
}

/// A cluster of which only the list of agents is known.
struct OnlyAgents(String);

impl Transport for OnlyAgents {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let is_known = request.path == ["slaves"];
        Box::new(Known(is_known.then(|| self.0.clone())))
    }

    fn pause(&mut self, _: Duration) {}

    fn elapsed(&mut self, _: Duration) -> Duration {
        Duration::ZERO
    }
}

struct Known(Option<String>);

impl Exchange for Known {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let body = self.0.ok_or_else(|| Error::Internal("the file does not contain it".into()))?;
        let body = Box::new(Cursor::new(body.into_bytes()));
        Ok(Response { status: 200, content_type: None, body })
    }
}

/// Returns the first list of agents among captured answers.
fn captured_agents(capture: &str) -> String {
    let exchanges = fs::read(tests(&format!("captures/{capture}.json"))).unwrap();
    let exchanges: Vec<Value> = serde_json::from_slice(&exchanges).unwrap();
    let mut lists = exchanges.iter().filter(|it| it["request"]["path"] == "/master/slaves");
    lists.next().unwrap()["response"]["body"].as_str().unwrap().to_owned()
}

/// Makes the plan for a role in the form, and waits for it.
fn make_plan(browser: &mut Browser, role: &str) {
    browser.evaluate(&format!(
        "(() => {{ const role = document.querySelector('input[list]'); role.value = {role:?}; \
         role.form.requestSubmit(); }})()"
    ));
    browser.wait_for("document.querySelector('#planned')");
}

#[test]
fn a_list_of_agents_gives_a_plan_for_any_role() {
    let Some(mut browser) = page() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slaves.json");
    for (capture, role) in [
        ("1.11.0/reserved", "kafka-role"),
        ("1.4.3/reserved", "eng/kafka"),
        ("1.8.1/reservations", "kafka-role"),
        ("1.11.0/disks", "nobody"),
    ] {
        let agents = captured_agents(capture);
        fs::write(&file, &agents).unwrap();
        assert_eq!(browser.open(&file), "slaves.json is shown.");
        make_plan(&mut browser, role);
        let shown = browser.evaluate("document.querySelector('#planned').textContent");
        let shown: Value = serde_json::from_str(shown.as_str().unwrap()).unwrap();
        let target = Target { role: Some(role.into()), ..Target::NOTHING };
        let options = Options { confirm_seconds: 0, ..Options::DEFAULT };
        let session = Session::new(OnlyAgents(agents));
        let plan = Janitor::new().unwrap().plan(&target, &options, session).unwrap();
        let expected = serde_json::to_string(&plan).unwrap();
        assert_eq!(shown["plan"].to_string(), expected, "{capture}: {role}");
        let text = browser.text(".result");
        assert!(text.contains("From a file, not from the cluster."), "{text}");
        assert!(text.contains("Not in the file, and so not known:"), "{text}");
    }
    // A recording knows the frameworks too.
    assert!(browser.open(&tests(RECORDING)).ends_with(" is shown."));
    browser.evaluate("document.querySelector('details.document:last-of-type').open = true");
    browser.wait_for("document.querySelector('input[list]')");
    make_plan(&mut browser, "slave_public");
    let text = browser.text(".result");
    assert!(text.contains("Plan for role 'slave_public'"), "{text}");
    assert!(!text.contains("The frameworks are not known"), "{text}");
    assert_eq!(browser.faults(), [""; 0]);
}

#[test]
fn a_large_cluster_is_shown_in_pages() {
    let Some(mut browser) = page() else { return };
    let mut agents: Value = serde_json::from_str(&captured_agents("1.11.0/reserved")).unwrap();
    let agent = agents["slaves"][0].clone();
    let numbered = |number| {
        let mut agent = agent.clone();
        agent["id"] = format!("{}-{number}", agent["id"].as_str().unwrap()).into();
        agent
    };
    agents["slaves"].as_array_mut().unwrap().extend((0..1000).map(numbered));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slaves.json");
    fs::write(&file, agents.to_string()).unwrap();
    assert_eq!(browser.open(&file), "slaves.json is shown.");
    browser.evaluate("document.querySelector('tbody button').click()");
    browser.wait_for("document.querySelector('#planned')");
    let rows = "document.querySelectorAll('.plan tbody tr').length";
    assert_eq!(browser.evaluate(rows), 50);
    let place = |browser: &mut Browser| browser.text(".plan .tools .place");
    assert!(place(&mut browser).starts_with("1 to 50 of "), "{}", place(&mut browser));
    browser.evaluate("document.querySelectorAll('.plan .tools button')[1].click()");
    assert!(place(&mut browser).starts_with("51 to 100 of "), "{}", place(&mut browser));
    browser.evaluate(
        "(() => { const filter = document.querySelector('.plan [type=search]'); \
         filter.value = '-777'; filter.dispatchEvent(new Event('input')); })()",
    );
    let found = browser.text(".plan tbody");
    assert!(found.contains("-777") && !found.contains("-778"), "{found}");
}

#[test]
fn nothing_is_sent_and_no_text_becomes_markup() {
    if needed(is_installed()).is_none() {
        return;
    }
    let page = fs::read(&*PAGE).unwrap();
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    let server = Answering::start(move |request| {
        log.lock().unwrap().push(request.uri().to_string());
        http::Response::builder().header(CONTENT_TYPE, "text/html").body(page.clone()).unwrap()
    });
    let url = format!("{}/", server.origin());
    let mut browser = Browser::start(&format!("{url}page"));
    let hostile = format!(r"<img src={url} onerror=document.title='hit'>\u202e\u0007");
    for (name, from) in [(RECORDING, "3ce447e3-2894-4c61-bd0f-be97e4d99ee9"), (PLAN, "data")] {
        let text = fs::read_to_string(tests(name)).unwrap().replace(from, &hostile);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("<b>hostile.json");
        fs::write(&file, text).unwrap();
        assert!(browser.open(&file).ends_with(" is shown."), "{}", browser.text("#view"));
        let shown = browser.text("#view");
        assert!(shown.contains("<b>hostile.json") && shown.contains("<img src="), "{shown}");
        assert!(shown.contains(r"\u{202e}\u{7}"), "{shown}");
        assert!(!shown.contains(['\u{202e}', '\u{7}']), "{shown}");
        assert_eq!(browser.evaluate("document.querySelectorAll('img, b b').length"), 0);
    }
    // The browser itself blocks whatever a script in the page might try.
    let attempts = format!(
        "Promise.allSettled([
            fetch('{url}fetch', {{ mode: 'no-cors' }}),
            import('{url}module'),
            new Promise((resolve) => {{ const image = new Image(); image.onerror = resolve; image.src = '{url}image'; }}),
            new Promise((resolve) => {{ const socket = new WebSocket('{url}'.replace('http', 'ws')); socket.onerror = resolve; }}),
            new Promise((resolve) => {{ const script = document.createElement('script'); script.onerror = resolve; script.src = '{url}script'; document.body.append(script); }}),
            Promise.resolve(navigator.sendBeacon('{url}beacon', 'x')),
        ]).then((attempts) => attempts[0].status)"
    );
    assert_eq!(browser.evaluate(&attempts), "rejected");
    browser.evaluate(
        "(() => { const script = document.createElement('script'); \
         script.textContent = 'document.title = \"hit\"'; document.body.append(script); })()",
    );
    assert_eq!(browser.evaluate("document.title"), "janitor viewer");
    assert_eq!(*received.lock().unwrap(), ["/page"]);
    assert_eq!(browser.requests(), [format!("{url}page")]);
}

/// Returns the text of the element that has the focus.
fn focused(browser: &mut Browser) -> String {
    let focused = browser.evaluate(
        "document.activeElement.ariaLabel || document.activeElement.innerText.slice(0, 40)",
    );
    focused.as_str().unwrap().to_owned()
}

/// Presses Tab until an element has the focus.
fn tab_to(browser: &mut Browser, name: &str) {
    for _ in 0..30 {
        if focused(browser) == name {
            return;
        }
        browser.press("Tab");
    }
    panic!("Tab does not reach {name}");
}

#[test]
fn the_keyboard_and_a_screen_reader_are_enough() {
    let Some(mut browser) = page() else { return };
    assert!(browser.open(&tests(RECORDING)).ends_with(" is shown."));
    assert_eq!(focused(&mut browser), "Recording: cassandra-0.28.1.har");
    let place = |browser: &mut Browser| browser.text(".player > .tools .place");
    assert_eq!(place(&mut browser), "Line 30 of 30");
    tab_to(&mut browser, "First");
    browser.press("Enter");
    assert_eq!(place(&mut browser), "Line 0 of 30");
    tab_to(&mut browser, "Forward");
    browser.press(" ");
    browser.press("Enter");
    assert_eq!(place(&mut browser), "Line 2 of 30");
    assert_eq!(browser.text(".spoken"), "Destroying volumes...");
    tab_to(&mut browser, "Next agent");
    browser.press("Enter");
    let chips = "document.querySelectorAll('.player tbody .chip').length";
    assert_eq!(browser.evaluate(chips), 1);
    let wires = browser.text(".wires");
    assert!(wires.contains("0 denied here") && !wires.contains("21 requests"), "{wires}");
    tab_to(&mut browser, "Line");
    browser.press("ArrowLeft");
    browser.press("ArrowLeft");
    assert_eq!(browser.evaluate(chips), 0);
    // Whatever can be used has a name, and each cell of a table has its headers.
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let used = ["button", "combobox", "searchbox", "slider", "textbox", "table", "region", "list"];
    for node in nodes.iter().filter(|node| used.iter().any(|it| node["role"]["value"] == *it)) {
        let is_plain = node["role"]["value"] == "list" && node["name"]["value"] == "";
        assert!(is_plain || node["name"]["value"] != "", "{node}");
    }
    let headless = "document.querySelectorAll('table:not(:has(caption)), thead th:not([scope=col]), \
                    tbody tr:not(:has(th[scope=row])), input:not([aria-label]):not(:has(+ *)):not(label input):not(#file)').length";
    assert_eq!(browser.evaluate(headless), 0);
    assert_eq!(browser.faults(), [""; 0]);
    picture(&mut browser);
}

/// Writes a picture of the page in the middle of a run.
fn picture(browser: &mut Browser) {
    browser.evaluate(
        "(() => { const line = document.querySelector('[type=range]'); line.value = 20; \
         line.dispatchEvent(new Event('input')); scrollTo(0, 0); })()",
    );
    let png = browser.picture();
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("viewer.png"), png).unwrap();
}
