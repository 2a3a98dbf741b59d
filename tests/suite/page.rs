//! The page that `janitor report` writes, in Chromium.

use std::fs;
use std::path::{Path, PathBuf};

use janitor_tests::{Cluster, State};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Run, janitor, on, program, recordings, run, scenario, tests};
use crate::needs::{installed, needed};
use crate::viewer::browser::Browser;

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";
/// The most bytes of a page besides those of the file that it shows.
const MOST: u64 = 3 << 20;

/// A page without contents.
const EMPTY: &str = "data:text/html,<p id=data>";

/// Writes the page about a file, beside it.
fn written(file: &Path) -> (Run, PathBuf) {
    let page = file.with_extension("html");
    let run = run(janitor().arg("report").arg(file).arg("--html").arg(&page));
    (run, page)
}

/// Writes the page about a copy of a file, and returns its folder and its address on the disk.
fn on_disk(file: &Path) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(file.file_name().unwrap());
    fs::copy(file, &copy).unwrap();
    let (run, page) = written(&copy);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    let (size, of_file) = (fs::metadata(&page).unwrap().len(), fs::metadata(&copy).unwrap().len());
    assert!(size <= of_file + MOST, "{size} bytes for {of_file}");
    (folder, format!("file://{}", page.display()))
}

/// Writes the page about a copy of a file, and opens it from the disk.
fn opened(file: &Path) -> (TempDir, Browser) {
    let (folder, page) = on_disk(file);
    (folder, Browser::start(&page))
}

/// Checks that Chromium is installed.
fn browser_is_installed() -> Option<()> {
    needed(installed("chromium").map_err(|why| format!("{why}: install the package chromium")))
}

/// The page in the command is built from the modules of the viewer.
#[test]
fn the_page_in_the_command_is_up_to_date() {
    if needed(installed("node")).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("report.html");
    let mut build = program("node");
    build.arg(tests("../docs/viewer/build.mjs")).arg("--report").arg(&built);
    let run = run(&mut build);
    assert_eq!(run.exit, 0, "{run:?}");
    let kept = tests("../host/cli/src/report.html");
    assert!(
        fs::read(&built).unwrap() == fs::read(&kept).unwrap(),
        "build the page again: node docs/viewer/build.mjs --report host/cli/src/report.html"
    );
}

#[test]
fn every_recording_has_a_page() {
    if browser_is_installed().is_none() {
        return;
    }
    let mut browser = Browser::start(EMPTY);
    for file in recordings() {
        let (_folder, page) = on_disk(&file);
        browser.load(&page);
        let shown = browser.text("#view");
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(shown.contains(&format!("Recording: {name}")), "{name}: {shown}");
        let expected = fs::read(file.with_extension("json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let verdict = browser.text("#view > .banner");
        match expected["message"].as_str() {
            Some(message) => assert!(verdict.contains(message), "{name}: {verdict}"),
            None if expected["parts"].is_array() => {
                assert_eq!(verdict, "Not complete for 1 of 2 targets.", "{name}");
                assert!(shown.contains("Role 'other-role'"), "{name}: {shown}");
                assert!(shown.contains("Not complete: in use."), "{name}: {shown}");
            }
            None => assert!(!verdict.contains("Not complete"), "{name}: {verdict}"),
        }
        if name.ends_with("-clean.har") {
            let phases = browser.text(".phases");
            assert!(phases.contains("confirmed by a fresh listing"), "{name}: {phases}");
            assert!(!phases.contains("not confirmed"), "{name}: {phases}");
        }
        let lines = browser.evaluate("document.querySelectorAll('.log li').length");
        let printed = fs::read_to_string(file.with_extension("events")).unwrap();
        let printed = printed
            .lines()
            .filter(|line| line.starts_with('{') && !line.starts_with(r#"{"level":"Debug""#));
        assert_eq!(lines, printed.count(), "{name}");
        let requests = browser.evaluate("document.querySelectorAll('.requests li').length");
        let har: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let entries = har["log"]["entries"].as_array().unwrap().len();
        assert_eq!(requests, entries, "{name}");
        let total = browser.text(".timeline + .scroll caption");
        assert!(total.starts_with(&format!("{entries} request")), "{name}: {total}");
        assert_eq!(browser.console_errors(), [""; 0], "{name}");
        assert_eq!(browser.requests(), [page]);
    }
}

#[test]
fn what_is_left_is_shown_with_its_reason() {
    if browser_is_installed().is_none() {
        return;
    }
    let (_folder, mut browser) = opened(&tests("recordings/mesos-1.11.0-volume-in-use.har"));
    let left = browser.evaluate(
        "[...document.querySelectorAll('section')].find((it) => it.innerText.startsWith('What is left')).innerText",
    );
    let left = left.as_str().unwrap();
    assert!(left.contains("1 volume") && left.contains("refused ("), "{left}");
    // The state of an agent does not depend on its colour alone.
    let bad = browser.evaluate("document.querySelector('.cells .bad').textContent");
    assert_eq!(bad, "!");
    let legend = browser.text(".legend");
    assert!(legend.contains("something left or refused: 2"), "{legend}");
    // The grid and its legend filter the table.
    browser.evaluate("document.querySelector('.cells .bad').click()");
    let rows = "document.querySelectorAll('.player tbody tr').length";
    assert_eq!(browser.evaluate(rows), 1);
    assert_eq!(browser.console_errors(), [""; 0]);
}

/// Records a run, or writes a plan, on a cluster of 10,000 agents.
fn large(line: &str, option: &str) -> (TempDir, PathBuf) {
    let mut state: State = scenario("a-plan");
    let (held, other) = (state.agents[0].clone(), state.agents[3].clone());
    state.agents = (0..10_000)
        .map(|number| {
            let mut agent = if number % 100 == 0 { held.clone() } else { other.clone() };
            agent.id = format!("3ce447e3-2894-4c61-bd0f-be97e4d99ee9-S{number}");
            agent.hostname = format!("host-{number}");
            agent
        })
        .collect();
    let cluster = Cluster::start(state);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.json");
    let run = run(on(&cluster, &format!("{line} {option}")).arg(&file));
    assert_eq!(run.exit, 0, "{}", run.stderr);
    (folder, file)
}

#[test]
fn ten_thousand_agents_can_be_searched() {
    if browser_is_installed().is_none() {
        return;
    }
    let (_folder, file) = large(TARGET, "--record");
    let (_page, mut browser) = opened(&file);
    assert_eq!(browser.evaluate("document.querySelectorAll('.player .cells i').length"), 10_000);
    let legend = browser.text(".player .legend");
    assert!(legend.contains("resources removed: 100"), "{legend}");
    assert!(legend.contains("nothing of the target: 9,900"), "{legend}");
    // Only one page of the table, and the end of the log, are in the document.
    assert_eq!(browser.evaluate("document.querySelectorAll('.player tbody tr').length"), 50);
    browser.evaluate(
        "(() => { const filter = document.querySelector('.player [type=search]'); \
         filter.value = '-S7700'; filter.dispatchEvent(new Event('input')); })()",
    );
    let found = browser.text(".player tbody");
    assert!(found.contains("host-7700") && !found.contains("host-7701"), "{found}");
    assert_eq!(browser.evaluate("document.querySelector('.cells').scrollHeight > document.querySelector('.cells').clientHeight"), true);
    assert_eq!(browser.console_errors(), [""; 0]);
    browser.evaluate("scrollTo(0, 0)");
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.png");
    fs::write(picture, browser.picture()).unwrap();
}

#[test]
fn a_large_plan_can_be_searched() {
    if browser_is_installed().is_none() {
        return;
    }
    let (_folder, file) = large(&format!("plan {TARGET}"), "--out");
    let (_page, mut browser) = opened(&file);
    let shown = browser.text("#view");
    assert!(shown.contains("Plan file: large.json"), "{shown}");
    assert!(shown.contains("janitor plan --out"), "its command: {shown}");
    assert_eq!(browser.evaluate("document.querySelectorAll('.cells i').length"), 100);
    assert!(browser.text(".legend").contains("resources are removed: 100"), "{shown}");
    browser.evaluate("document.querySelectorAll('.cells i')[7].click()");
    let found = browser.text(".plan tbody");
    assert!(found.contains("host-700") && !found.contains("host-800"), "{found}");
    assert_eq!(browser.console_errors(), [""; 0]);
}

#[test]
fn a_text_of_a_server_stays_a_text() {
    if browser_is_installed().is_none() {
        return;
    }
    let hostile = r"</script><!--<script><img src=x onerror=document.title='hit'>\u202e\u0007";
    let mut browser = Browser::start(EMPTY);
    for (name, from) in [
        ("recordings/cassandra-0.28.1.har", "3ce447e3-2894-4c61-bd0f-be97e4d99ee9"),
        ("scenarios/a-plan-that-is-applied/plan.json", "data"),
    ] {
        let text = fs::read_to_string(tests(name)).unwrap().replace(from, hostile);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("<b>hostile.json");
        fs::write(&file, text).unwrap();
        let (_folder, page) = on_disk(&file);
        browser.load(&page);
        let shown = browser.text("#view");
        assert!(shown.contains("<b>hostile.json") && shown.contains("</script><!--"), "{shown}");
        assert!(shown.contains(r"\u{202e}\u{7}"), "{shown}");
        assert!(!shown.contains(['\u{202e}', '\u{7}']), "{shown}");
        assert_eq!(browser.evaluate("document.querySelectorAll('img, b b, h2 b').length"), 0);
        assert_eq!(browser.evaluate("document.title.includes('hostile.json')"), true);
        assert_eq!(browser.console_errors(), [""; 0]);
    }
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    fs::copy(tests("scenarios/a-plan-that-is-applied/plan.json"), &file).unwrap();
    let before = fs::read(&file).unwrap();
    for (page, words) in [
        (Path::new("/nowhere/page.html"), "cannot write the page /nowhere/page.html"),
        (&file, "are the same file"),
    ] {
        let run = run(janitor().arg("report").arg(&file).arg("--html").arg(page));
        assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    let page = folder.path().join("page.html");
    for text in ["", "{}", "<html>", r#"{"log":{}}"#, r#"{"plan":{}}"#] {
        fs::write(&file, text).unwrap();
        let run = run(janitor().arg("report").arg(&file).arg("--html").arg(&page));
        assert_eq!((run.exit, run.stdout.as_str(), page.exists()), (1, "", false), "{run:?}");
    }
}
