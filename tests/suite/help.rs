//! What the command says about itself: completions and manual pages.

use std::process::Command;

use libtest_mimic::Trial;

use crate::command::{janitor, run};
use crate::{skipped, trial};

pub fn trials() -> Vec<Trial> {
    let bash = "help::bash_completes_a_command";
    let is_there = Command::new("bash").arg("--version").output().is_ok();
    vec![
        trial("help::every_shell_has_its_completions", every_shell),
        if is_there { trial(bash, in_bash) } else { skipped(bash, "bash is not installed") },
        trial("help::every_command_has_its_page", every_page),
    ]
}

fn printed(args: &[&str]) -> String {
    let run = run(janitor().args(args));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{args:?}");
    run.stdout
}

fn every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let completions = printed(&["completions", shell]);
        for word in ["discover", "zk-path", "dry-run"] {
            assert!(completions.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(janitor().args(["completions", "cmd"])).exit, 1);
}

fn in_bash() {
    let script = r#"
        eval "$("$0" completions bash)"
        COMP_WORDS=(janitor dis) COMP_CWORD=1
        _janitor janitor dis janitor
        echo "${COMPREPLY[@]}""#;
    let mut bash = Command::new("bash");
    let run = run(bash.args(["--norc", "-c", script, env!("CARGO_BIN_EXE_janitor")]));
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("discover\n", ""));
}

fn every_page() {
    let page = printed(&["man"]);
    for words in [".TH janitor 1", "everything is confirmed gone", "NO_COLOR"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for command in ["plan", "apply", "discover", "replay", "inspect", "completions", "man"] {
        assert!(page.contains(&format!(r"janitor\-{command}(1)")), "{command}");
        let page = printed(&["man", command]);
        assert!(page.contains(&format!(".TH janitor-{command} 1")), "{page}");
    }
    let unknown = run(janitor().args(["man", "nope"]));
    assert_eq!((unknown.exit, unknown.stdout.as_str()), (1, ""));
    assert!(unknown.stderr.contains("there is no command 'nope'"), "{}", unknown.stderr);
}
