use std::path::Path;
use std::time::Duration;

use clap::Parser;
use janitor_contract::types::{InUse, LabelSelector, Options, Target};
use janitor_contract::{Call, Endpoints};

use super::parse::{Checks, Selection, URLS, Urls};
use super::print::{Caller, Invocation, Program, disabled_checks};
use super::time::{MOST_SECONDS, Waiting};

/// The part of the command line that is printed.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    checks: Checks,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten, next_help_heading = URLS)]
    urls: Urls,
}

impl Line {
    /// Reads a command line as a shell and the command do.
    fn read(line: &str) -> (Target, Options, Endpoints) {
        let words = shell_words::split(line).unwrap();
        let read = Self::try_parse_from(words).unwrap_or_else(|why| panic!("{line}: {why}"));
        let (target, options) = read.selection.read(&read.checks).unwrap();
        let options = read.waiting.added_to(options);
        let endpoints = read.urls.endpoints(&Endpoints::default());
        (target, options, endpoints.unwrap_or_else(|why| panic!("{line}: {}", why.error)))
    }
}

/// Numbers that depend only on a seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap() % end
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn one_of<T: Clone>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())].clone()
    }

    /// A text of any characters except hidden ones, which shells treat differently.
    fn text(&mut self) -> String {
        let letters: Vec<char> = "ab-_./ '\"\\$`!*?[]{}()<>|&;#~=,:%ü数".chars().collect();
        (0..=self.below(8)).map(|_| self.one_of(&letters)).collect()
    }

    fn texts(&mut self) -> Vec<String> {
        let mut texts: Vec<_> = (0..self.below(3)).map(|_| self.text()).collect();
        texts.dedup();
        texts
    }

    /// A target, maybe of a whole service.
    fn target(&mut self) -> (Target, bool) {
        let whole = [
            ("kafka-role", "kafka-principal", "dcos-service-kafka"),
            ("a__b-role", "/a/b-principal", "dcos-service-a__b"),
            ("a__b-role", "a/b-principal", "dcos-service-a__b"),
            ("c_role", "c_principal", "c"),
            ("k-role", "k-principal", "k"),
            ("k-role", "another", "another"),
        ];
        let (whole_service, names) = match self.coin() {
            true => {
                let (role, principal, znode) = self.one_of(&whole);
                let name = |it: &str| Some(it.to_owned());
                (self.coin(), [name(role), name(principal), name(znode)])
            }
            false => (false, [(); 3].map(|()| self.coin().then(|| self.text()))),
        };
        let [role, principal, znode] = names;
        (Target { role, principal, znode, ..Target::NOTHING }, whole_service)
    }

    /// A part of a target, by labels, a framework or agents.
    fn part(&mut self, target: Target, whole_service: bool) -> (Target, bool) {
        let labels = (0..self.below(3)).map(|_| LabelSelector {
            key: self.text().replace('=', "."),
            value: self.coin().then(|| self.text()).filter(|_| self.coin()),
        });
        let labels = labels.collect();
        let framework_id = self.coin().then(|| self.text());
        let target = Target { labels, framework_id, ..target };
        match self.coin() {
            true => (target, whole_service),
            false => {
                let agents = self.texts();
                let znode = target.znode.clone().filter(|_| agents.is_empty());
                let whole_service = whole_service && agents.is_empty();
                (Target { znode, agents, ..target }, whole_service)
            }
        }
    }

    fn options(&mut self, whole_service: bool) -> Options {
        let in_use = self.one_of(&[InUse::Refuse, InUse::Force, InUse::Teardown]);
        let teardown = if in_use == InUse::Teardown { self.texts() } else { vec![] };
        let (system_znode, strict) = (self.coin(), self.coin());
        let ignored_agents = self.texts();
        let wait_seconds = self.one_of(&[0, 1, 90, 3_600, 5_400, MOST_SECONDS]);
        let confirm_seconds = self.one_of(&[0, 30, 31, MOST_SECONDS]);
        Options {
            wait_seconds,
            confirm_seconds,
            in_use,
            teardown,
            system_znode,
            strict,
            whole_service,
            ignored_agents,
            ..Options::DEFAULT
        }
    }

    fn endpoints(&mut self) -> Endpoints {
        let masters = [
            Endpoints::MASTER,
            "http://m/",
            "https://m:1/master/",
            "http://a/,http://b/",
            "zk://h:1,i:2/mesos",
            "zk+https://h/mesos",
        ];
        let exhibitors = [Endpoints::EXHIBITOR, "https://e/exhibitor/", "zk://h:1,i:2/chroot"];
        let marathons = [Endpoints::MARATHON, "http://n/v2/apps/"];
        let [master, exhibitor, marathon] =
            [self.one_of(&masters), self.one_of(&exhibitors), self.one_of(&marathons)];
        Endpoints::new(master, exhibitor, marathon).unwrap()
    }
}

#[test]
fn what_is_printed_is_read_as_what_it_was_made_of() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        let (target, whole_service) = chance.target();
        let (target, whole_service) = chance.part(target, whole_service);
        let (options, endpoints) = (chance.options(whole_service), chance.endpoints());
        let call = Call::Clean(target.clone());
        let run =
            Invocation { call, options, endpoints, component: vec![], caller: Caller::default() };
        let line = run.clean(&target, &run.options);
        let read = Line::read(&line);
        assert_eq!(read, (target, run.options.clone(), run.endpoints), "{line}");
        let disabling = disabled_checks(&run.options).join(" ");
        let words = shell_words::split(&format!("janitor {disabling}")).unwrap();
        let checks = Line::try_parse_from(words).unwrap().checks;
        assert_eq!(checks.missing(&run.options), [""; 0], "{disabling}");
    }
}

#[test]
fn the_command_line_is_the_shells() {
    let target = Target {
        role: Some("a role".into()),
        principal: Some("it's".into()),
        labels: vec![LabelSelector::read("k=a b").unwrap(), LabelSelector::read("-k").unwrap()],
        framework_id: Some("F-0".into()),
        ..Target::NOTHING
    };
    let options = Options {
        in_use: InUse::Teardown,
        teardown: vec!["F-1".into(), "F-2".into()],
        ignored_agents: vec!["S 0".into(), "h1".into()],
        system_znode: true,
        strict: true,
        ..Options::DEFAULT
    };
    let endpoints =
        Endpoints::new("http://m1/,http://m2/", Endpoints::EXHIBITOR, "http://n/").unwrap();
    let component = vec![("--component", "it is.wasm".into())];
    let run = Invocation {
        call: Call::Clean(target.clone()),
        options,
        endpoints,
        component,
        caller: Caller::default(),
    };
    let part = "--label|k=a b|--label=-k|--framework-id|F-0";
    let servers = "-m|http://m1/,http://m2/|-n|http://n/|--component|it is.wasm";
    let disabling =
        "--ignore-agent|S 0|--ignore-agent|h1|--teardown|F-1|--teardown|F-2|--system-znode";
    for (line, expected) in [
        (
            run.clean(&target, &run.options),
            format!("janitor|-r|a role|-p|it's|{part}|{servers}|{disabling}|--strict"),
        ),
        (run.apply(Path::new("-x")), format!("janitor|apply|./-x|{servers}|{disabling}")),
    ] {
        assert_eq!(shell_words::split(&line).unwrap().join("|"), expected);
    }
}

#[test]
fn the_next_command_has_the_same_access() {
    let target = Target { role: Some("r".into()), ..Target::NOTHING };
    let line = |caller: Caller| {
        let (options, endpoints) = (Options::DEFAULT, Endpoints::default());
        let call = Call::Clean(target.clone());
        Invocation { call, options, endpoints, component: vec![], caller }
    };
    let own = line(Caller {
        access: vec!["--ca-cert 'my ca.pem'".into(), "--insecure".into()],
        plan: Some("a plan.json".into()),
        ..Caller::default()
    });
    let clean = own.clean(&target, &own.options);
    assert_eq!(clean, "janitor -r r --ca-cert 'my ca.pem' --insecure");
    assert_eq!(own.discover(), "janitor discover --ca-cert 'my ca.pem' --insecure");
    assert_eq!(
        own.new_plan(&target, &own.options),
        "janitor plan --out 'a plan.json' -r r --ca-cert 'my ca.pem' --insecure"
    );
}

/// In a container, a command is `docker run`, and only a command that names files needs a folder.
#[test]
fn the_next_command_of_an_image_runs_in_the_image() {
    let target = Target { role: Some("r".into()), ..Target::NOTHING };
    let line = |folder: Option<&str>, access: &[&str]| {
        let (name, folder) = ("registry/my janitor".into(), folder.map(Into::into));
        let program = Program::Image { name, folder, environment: vec![] };
        let access = access.iter().map(ToString::to_string).collect();
        let (options, endpoints) = (Options::DEFAULT, Endpoints::default());
        let (call, component) = (Call::Clean(target.clone()), vec![]);
        let caller = Caller { program, access, ..Caller::default() };
        Invocation { call, options, endpoints, component, caller }
    };
    let image = "'registry/my janitor' janitor";
    for (folder, access, files) in [
        (Some("/work"), &[][..], ""),
        (None, &["--ca-cert ca.pem"], " --user \"$(id -u)\""),
        (
            Some("/my work"),
            &["--ca-cert ca.pem"],
            " --user \"$(id -u)\" --volume \"$PWD\":'/my work' --workdir '/my work'",
        ),
    ] {
        let run = line(folder, access);
        let rest = access.iter().map(|it| format!(" {it}")).collect::<String>();
        let expected = format!("docker run --rm -it{files} {image} -r r{rest}");
        assert_eq!(run.clean(&target, &run.options), expected);
    }
    let apply = line(Some("/work"), &[]).apply(Path::new("plan.json"));
    let mount = "--user \"$(id -u)\" --volume \"$PWD\":/work --workdir /work";
    assert_eq!(apply, format!("docker run --rm -it {mount} {image} apply plan.json"));
    // A container has no variables but these.
    let environment = vec!["JANITOR_CA_CERT=my ca.pem".into(), "DCOS_ACS_TOKEN".into()];
    let program = Program::Image { name: "janitor".into(), folder: None, environment };
    assert_eq!(
        program.with(&["discover".into()], false),
        "docker run --rm -it --user \"$(id -u)\" --env 'JANITOR_CA_CERT=my ca.pem' \
         --env DCOS_ACS_TOKEN janitor janitor discover"
    );
}

#[test]
fn the_next_command_has_the_same_time_limits() {
    let target = Target { role: Some("r".into()), ..Target::NOTHING };
    let options = Options { wait_seconds: 600, confirm_seconds: 5, ..Options::DEFAULT };
    let caller = Caller { timeout: Some(Duration::from_secs(5400)), ..Caller::default() };
    let (call, component) = (Call::Clean(target.clone()), vec![]);
    let run = Invocation { call, options, endpoints: Endpoints::default(), component, caller };
    let limit = "--timeout 1h30m";
    assert_eq!(
        run.clean(&target, &run.options),
        format!("janitor -r r --wait 10m --confirm-seconds 5 {limit}")
    );
    assert_eq!(run.apply(Path::new("plan.json")), format!("janitor apply plan.json {limit}"));
    assert_eq!(run.discover(), format!("janitor discover {limit}"));
    // A document may name a longer time than the command line.
    let lasting =
        |seconds| Options { wait_seconds: seconds, confirm_seconds: seconds, ..Options::DEFAULT };
    let line = run.clean(&target, &lasting(u32::MAX)).replace(limit, "");
    let (_, read, _) = Line::read(&line);
    assert_eq!(read, lasting(MOST_SECONDS));
}

#[test]
fn a_file_disables_only_what_the_command_line_disables() {
    let checks = |line: &str| {
        let words = shell_words::split(&format!("janitor {line}")).unwrap();
        Line::try_parse_from(words).unwrap().checks
    };
    let options = Options {
        in_use: InUse::Teardown,
        teardown: vec!["F-1".into()],
        ignored_agents: vec!["S0".into()],
        ..Options::DEFAULT
    };
    assert_eq!(checks("").missing(&options), ["--ignore-agent S0", "--teardown F-1"]);
    let more = checks("--ignore-agent S0 --teardown F-2 --system-znode");
    assert_eq!(more.missing(&more.added_to(options)), ["--teardown F-1"]);
}
