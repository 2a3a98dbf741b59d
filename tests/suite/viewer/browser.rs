//! Chromium without a window, driven over the pipe of its DevTools protocol.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::program;

/// A browser with one page.
pub struct Browser {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Value,
    last_id: u64,
    /// The events so far.
    pub events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser, and loads a page.
    pub fn start(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut browser = program("sh");
        // The browser reads commands from descriptor 3, and writes messages to descriptor 4.
        browser.args(["-c", r#"exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"]);
        browser.arg(format!("--user-data-dir={}", profile.path().display()));
        for option in [
            "headless",
            "no-sandbox",
            "disable-gpu",
            "disable-quic",
            "no-first-run",
            "disable-background-networking",
            "disable-component-update",
            "disable-sync",
            "remote-debugging-pipe",
            "window-size=1400,1500",
        ] {
            browser.arg(format!("--{option}"));
        }
        browser.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = browser.spawn().unwrap();
        let commands = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                let _ = sender.send(serde_json::from_slice(&message).unwrap());
                message.clear();
            }
        });
        let (session, last_id, events) = (Value::Null, 0, Vec::new());
        let mut this =
            Self { process, commands, messages, session, last_id, events, _profile: profile };
        let target = this.call("Target.createTarget", &json!({"url": "about:blank"}));
        let id = &target["targetId"];
        let attached =
            this.call("Target.attachToTarget", &json!({"targetId": id, "flatten": true}));
        this.session = attached["sessionId"].clone();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            this.call(&format!("{domain}.enable"), &json!({}));
        }
        this.load(url);
        this
    }

    /// Loads another page, and forgets the events of the one before.
    pub fn load(&mut self, url: &str) {
        self.events.clear();
        self.call("Page.navigate", &json!({"url": url}));
        self.wait_for(
            "document.readyState === 'complete' && document.querySelector('#file, #data')",
        );
    }

    /// Calls a method of the protocol, and returns its result.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let mut command = json!({"id": self.last_id, "method": method, "params": parameters});
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let message = self.messages.recv_timeout(Duration::from_secs(120));
            let mut message = message.expect("the browser answers");
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// Evaluates an expression in the page, and returns its value, or that of its promise.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut result = self.call("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].take()
    }

    /// Returns the text that an element shows, or an empty text if there is no such element.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({selector:?})?.innerText ?? ''"));
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an expression is true.
    pub fn wait_for(&mut self, condition: &str) {
        for _ in 0..1200 {
            if self.evaluate(&format!("Boolean({condition})")) == true {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("it never happened: {condition}: {:?}", self.events);
    }

    /// Chooses a file in the page, and waits until it is shown or refused. Returns the status.
    pub fn open(&mut self, file: &Path) -> String {
        // A file that is chosen already is no change.
        self.evaluate("document.querySelector('#status').textContent = ''");
        self.evaluate("document.querySelector('#file').value = ''");
        let document = self.call("DOM.getDocument", &json!({}));
        let root = &document["root"]["nodeId"];
        let input = self.call("DOM.querySelector", &json!({"nodeId": root, "selector": "#file"}));
        let (node, file) = (&input["nodeId"], fs::canonicalize(file).unwrap());
        self.call("DOM.setFileInputFiles", &json!({"nodeId": node, "files": [file]}));
        self.wait_for("/shown\\.$/.test(document.querySelector('#status').textContent)");
        self.text("#status")
    }

    /// Presses a key, and releases it.
    pub fn press(&mut self, key: &str) {
        let (text, code) = match key {
            "Enter" => ("\r", 13),
            " " => (" ", 32),
            "Tab" => ("", 9),
            "ArrowLeft" => ("", 37),
            _ => panic!("the code of {key} is not in this list"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Returns the URLs of all requests that the page tried to send, and that were not blocked.
    pub fn requests(&mut self) -> Vec<String> {
        // The answer comes after all events before it.
        self.evaluate("0");
        let of = |method| move |event: &&Value| event["method"] == method;
        let blocked = self.events.iter().filter(of("Network.loadingFailed"));
        let blocked: Vec<_> = blocked.map(|event| &event["params"]["requestId"]).collect();
        let sent = self.events.iter().filter(of("Network.requestWillBeSent"));
        let sent = sent.filter(|event| !blocked.contains(&&event["params"]["requestId"]));
        sent.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns everything that the console shows as an error: exceptions that nothing caught,
    /// requests that were blocked, and messages.
    pub fn console_errors(&mut self) -> Vec<String> {
        let mut errors = self.faults();
        let is_error = |event: &&Value| {
            let parameters = &event["params"];
            (event["method"] == "Log.entryAdded" && parameters["entry"]["level"] == "error")
                || (event["method"] == "Runtime.consoleAPICalled" && parameters["type"] == "error")
        };
        errors.extend(self.events.iter().filter(is_error).map(Value::to_string));
        errors
    }

    /// Returns a picture of the page, as a PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        self.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))");
        let shot = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let png = BASE64.decode(shot["data"].as_str().unwrap()).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        png
    }

    /// Returns the exceptions in the page that nothing caught.
    pub fn faults(&mut self) -> Vec<String> {
        self.evaluate("0");
        let faults =
            self.events.iter().filter(|event| event["method"] == "Runtime.exceptionThrown");
        faults.map(Value::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
