//! The command's own documentation: completions and manual pages.

use crate::command::{janitor, program, run};
use crate::needs::{installed, needed};

fn printed(args: &[&str]) -> String {
    let run = run(janitor().args(args));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{args:?}");
    run.stdout
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let completions = printed(&["completions", shell]);
        for word in ["discover", "zk-path", "dry-run"] {
            assert!(completions.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(janitor().args(["completions", "cmd"])).exit, 1);
}

#[test]
fn bash_completes_a_command() {
    if needed(installed("bash")).is_none() {
        return;
    }
    let script = r#"
        eval "$("$0" completions bash)"
        COMP_WORDS=(janitor dis) COMP_CWORD=1
        _janitor janitor dis janitor
        echo "${COMPREPLY[@]}""#;
    let mut bash = program("bash");
    let run = run(bash.args(["--norc", "-c", script, env!("CARGO_BIN_EXE_janitor")]));
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("discover\n", ""));
}

#[test]
fn every_command_has_its_page() {
    let page = printed(&["man"]);
    for words in [".TH janitor 1", "everything is confirmed removed", "NO_COLOR"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let commands = ["clean", "plan", "apply", "discover", "show", "report", "replay", "inspect"];
    for command in commands.into_iter().chain(["completions", "man"]) {
        assert!(page.contains(&format!(r"janitor\-{command}(1)")), "{command}");
        let page = printed(&["man", command]);
        assert!(page.contains(&format!(".TH janitor-{command} 1")), "{page}");
    }
    assert!(!page.contains(r"janitor\-help(1)"), "{page}");
    for name in ["nope", "help"] {
        let unknown = run(janitor().args(["man", name]));
        assert_eq!((unknown.exit, unknown.stdout.as_str()), (1, ""));
        let words = format!("there is no manual page for '{name}'");
        assert!(unknown.stderr.contains(&words), "{}", unknown.stderr);
    }
}
