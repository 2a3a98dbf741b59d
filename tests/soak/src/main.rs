//! Runs janitor for hours on real Mesos masters, while agents and masters are stopped, killed and
//! started again by chance, and compares each verdict with the truth once everything is back.
//!
//! | module | contents |
//! | --- | --- |
//! | [`cluster`] | the processes of a master and its agents |
//! | [`disturbance`] | what happens to them |
//! | [`service`] | what services reserve, and what a run is to remove |
//! | [`cleaner`] | runs of janitor |
//! | [`truth`] | what the agents hold |
//! | [`episode`] | one round of all this, and the verdict on the verdicts |
//! | [`log`], [`counts`] | the evidence, and the numbers |
//!
//! `docs/proof.md` describes what is wrong, and shows the numbers.

mod cleaner;
mod cluster;
mod counts;
mod disturbance;
mod episode;
mod log;
mod service;
mod truth;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use clap::Parser;
use fastrand::Rng;

use crate::cluster::{Cluster, Node};
use crate::counts::Counts;
use crate::episode::Episode;
use crate::log::Log;

/// The errors are for the person at the terminal.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The episodes that a cluster lives for. Its master is restarted only in the second half of them,
/// because a new master has every run without `--force` refused for ten minutes.
const LIFE: usize = 12;

/// Compares janitor's verdicts with the truth, on real Mesos masters that are disturbed
#[derive(Parser)]
struct Options {
    /// How long, in minutes
    #[arg(long, default_value_t = 120)]
    minutes: u64,
    /// The seed of everything that is drawn [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// The commands that start Mesos, separated by `;`, as for the live tests [default:
    /// $JANITOR_TEST_MESOS]
    #[arg(long, value_name = "COMMANDS")]
    mesos: Option<String>,
    /// The janitor to run [default: the one in this program's folder]
    #[arg(long, value_name = "FILE")]
    janitor: Option<PathBuf>,
    /// The folder of the evidence and the clusters' state
    #[arg(long, value_name = "FOLDER", default_value = "target/soak")]
    out: PathBuf,
    /// Keep the logs of all episodes, and not only of those with something wrong
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    match soak(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("janitor-soak: {why}");
            ExitCode::from(2)
        }
    }
}

/// Runs all versions at the same time, and prints the numbers. Returns whether every version had
/// an episode that could be judged, and nothing is wrong.
fn soak(options: &Options) -> Result<bool> {
    let commands = options.mesos.clone().or_else(|| env::var("JANITOR_TEST_MESOS").ok());
    let commands = commands.ok_or("use --mesos or JANITOR_TEST_MESOS to name a Mesos master")?;
    let commands: Vec<_> = commands.split(';').map(str::trim).filter(|it| !it.is_empty()).collect();
    let beside = env::current_exe()?.with_file_name("janitor");
    let janitor = options.janitor.as_deref().unwrap_or(&beside);
    let janitor = janitor.canonicalize().map_err(|why| format!("{}: {why}", janitor.display()))?;
    fs::create_dir_all(&options.out)?;
    let out = options.out.canonicalize()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let seed = options.seed.unwrap_or(now);
    println!("seed {seed}");

    let versions = thread::scope(|scope| {
        let threads = commands.iter().zip(seed..).map(|(command, seed)| {
            let version = command.split_whitespace().next_back().unwrap_or_default();
            let (janitor, out) = (&janitor, out.join(version));
            scope.spawn(move || {
                let counts = run(options, version, command, janitor, &out, seed)?;
                Result::Ok((version.to_owned(), counts))
            })
        });
        let threads: Vec<_> = threads.collect();
        let join = threads.into_iter().map(|it| it.join().map_err(|_| "a thread panicked")?);
        join.collect::<Result<Vec<_>>>()
    })?;
    let table = counts::table(&versions);
    println!("\n{table}");
    let summary = format!("{:#}\n", counts::document(seed, &versions));
    fs::write(out.join("summary.json"), summary)?;
    let is_right = |counts: &Counts| counts.get("episode") > 0 && counts.get("WRONG") == 0;
    Ok(versions.iter().all(|(_, counts)| is_right(counts)))
}

/// Runs episodes on one version, until the time is over.
fn run(
    options: &Options,
    version: &str,
    command: &str,
    janitor: &Path,
    out: &Path,
    seed: u64,
) -> Result<Counts> {
    let start = Instant::now();
    let time = Duration::from_secs(60 * options.minutes);
    let mut counts = Counts::default();
    let mut chance = Rng::with_seed(seed);
    let (mut life, mut lost) = (0, Vec::new());
    let mut cluster = None;
    for number in 1.. {
        if start.elapsed() >= time {
            break;
        }
        if life == LIFE {
            cluster = None;
        }
        let cluster = match &mut cluster {
            Some(cluster) => cluster,
            none => {
                (life, lost) = (0, Vec::new());
                none.insert(Cluster::start(command, &out.join("cluster"))?)
            }
        };
        let log = Log::new(&out.join(format!("episode-{number:03}")))?;
        let before = counts.clone();
        let mut episode = Episode {
            number,
            chance: chance.fork(),
            with_failovers: life >= LIFE / 2,
            janitor,
            lost: &mut lost,
            counts: &mut counts,
        };
        let judged = episode.run(cluster, &log);
        let is_kept = options.keep || !matches!(&judged, Ok(wrong) if wrong.is_empty());
        // After an error, the state of the cluster is not known, so the next episode has another one.
        life = if judged.is_ok() { life + 1 } else { LIFE };
        let wrong = match judged {
            Ok(wrong) => {
                counts.add("episode");
                wrong
            }
            Err(why) => {
                counts.add("episode that could not be judged");
                println!("{version} episode {number} could not be judged: {why}");
                log.note(&format!("it cannot be judged: {why}"));
                Vec::new()
            }
        };
        for what in &wrong {
            counts.add("WRONG");
            println!("{version} episode {number}: WRONG: {what}");
        }
        println!("{version} episode {number}: {}", counts.since(&before));
        if is_kept {
            log.list("wrong.txt", &wrong)?;
            for node in cluster.agents.iter().chain([&cluster.master]) {
                keep(node, &log.folder)?;
            }
        } else {
            log.discard()?;
        }
    }
    Ok(counts)
}

/// Copies the log of a process.
fn keep(node: &Node, folder: &Path) -> Result<()> {
    let file = node.log();
    if let Some(name) = file.file_name().filter(|_| file.exists()) {
        fs::copy(&file, folder.join(name))?;
    }
    Ok(())
}
