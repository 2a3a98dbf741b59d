//! Tries every run of a cleanup within a bound: all small clusters, and at each request every fault
//! and every event that the simulated cluster knows.
//!
//! | module | contents |
//! | --- | --- |
//! | [`bound`] | the clusters, and the number of deviations |
//! | [`trial`] | the search through all runs on one cluster, and what must be true at the end of each |
//! | [`mutations`] | the requests that the host's policy must deny |
//! | [`world`] | one moment of a run: the cluster, and what host and component know; what must be true of each request |
//! | [`logic`] | the component's logic and the host's policy, and copies with faults |
//! | [`faults`] | the faults that the search must find |

mod bound;
mod faults;
mod logic;
mod mutations;
mod trial;
mod world;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{env, fs, io, thread};

use crate::bound::{Case, Cases, FAULTY, QUICK, Sweep, WHOLE};
use crate::faults::FAULTS;
use crate::logic::Logic;
use crate::trial::{Count, Counterexample, Setting, Trial};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The folder of the counterexamples.
const FOLDER: &str = "target/proof/counterexamples";

/// The number of counterexamples that are kept.
const KEPT: usize = 5;

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let exist = |numbers: &[&str], count: usize| {
        numbers.iter().all(|it| it.parse().is_ok_and(|it| (1..=count).contains(&it)))
    };
    let is_proven = match words[..] {
        [] => sweep_all(&QUICK) && find_faults(&[]),
        ["sample", ref numbers @ ..] if exist(numbers, QUICK.len()) => {
            sweep_all(&chosen(&QUICK, numbers))
        }
        ["whole", ref numbers @ ..] if exist(numbers, WHOLE.len()) => {
            sweep_all(&chosen(&WHOLE, numbers))
        }
        ["faults", ref numbers @ ..] if exist(numbers, FAULTS.len()) => find_faults(numbers),
        _ => {
            eprintln!(
                "usage: janitor-proof [sample [NUMBER...] | whole [NUMBER...] | faults [NUMBER...]]"
            );
            return ExitCode::from(2);
        }
    };
    ExitCode::from(u8::from(!is_proven))
}

/// Returns the sweeps with these numbers, or all if there are none.
fn chosen(sweeps: &[Sweep], numbers: &[&str]) -> Vec<Sweep> {
    let chosen = (1..).zip(sweeps).filter(|(number, _)| is_chosen(*number, numbers));
    chosen.map(|(_, sweep)| *sweep).collect()
}

/// Returns whether a number is among these. All are chosen if there are none.
fn is_chosen(number: usize, numbers: &[&str]) -> bool {
    numbers.is_empty() || numbers.iter().any(|it| *it == number.to_string())
}

/// Tries all runs, and prints their numbers. It returns whether no run breaks an invariant.
fn sweep_all(sweeps: &[Sweep]) -> bool {
    println!(
        "| run | agents | resources each | deviations | clusters | runs | pruned | clean | refused | requests | s |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut is_proven = true;
    let mut total = Count::default();
    for (number, sweep) in sweeps.iter().enumerate() {
        let begun = Instant::now();
        let (count, found) = tried(*sweep, Logic::Own, None);
        let Sweep { manner, agents, resources, deviations, one_in } = sweep;
        let manner = manner.name();
        let sample = match one_in {
            1 => String::new(),
            _ => format!(", one in {one_in}"),
        };
        let Count { cases, runs, pruned, clean, refused, requests } = count;
        println!(
            "| {manner} | {agents} | {resources} | {deviations} | {cases}{sample} | {runs} | {pruned} | \
             {clean} | {refused} | {requests} | {} |",
            begun.elapsed().as_secs()
        );
        total.add(count);
        is_proven &= found.is_empty();
        if !found.is_empty() {
            eprintln!("{} clusters have a run that breaks an invariant", found.len());
        }
        for (index, (name, counterexample)) in found.iter().take(KEPT).enumerate() {
            let folder = format!("{FOLDER}/{number}-{index}");
            eprintln!("{folder}: {}: {name}", counterexample.problem);
            if let Err(why) = write(Path::new(&folder), name, counterexample) {
                eprintln!("{folder} is not written: {why}");
            }
        }
    }
    println!(
        "\n{} runs, {} left because they had become equal to others",
        total.runs, total.pruned
    );
    is_proven
}

/// Turns each fault with one of these numbers on. It returns whether each is found, and without them nothing is.
fn find_faults(numbers: &[&str]) -> bool {
    let mut are_found = true;
    println!("\n| fault | what shows it | runs until then |\n| --- | --- | --- |");
    // The sample has tried the others.
    let without = first_counterexample(&FAULTY[..2], None);
    let faults = FAULTS.iter().enumerate().filter(|(index, _)| is_chosen(index + 1, numbers));
    let with = faults.map(|(index, fault)| {
        (fault.name, first_counterexample(&FAULTY[fault.sweep..], Some(index)))
    });
    for (name, (problem, runs)) in std::iter::once(("none", without)).chain(with) {
        are_found &= problem.is_some() == (name != "none");
        println!("| {name} | {} | {runs} |", problem.as_deref().unwrap_or("-"));
    }
    are_found
}

/// Returns what breaks an invariant first in the copy of the logic, and the number of runs until then.
fn first_counterexample(sweeps: &[Sweep], fault: Option<usize>) -> (Option<String>, u64) {
    let mut runs = 0;
    for sweep in sweeps {
        let (count, found) = tried(*sweep, Logic::Broken, fault);
        runs += count.runs;
        if let Some((_, counterexample)) = found.first() {
            let problem = counterexample.problem.trim_start_matches("a later run: ");
            let problem = problem.split(": ").next().unwrap_or_default();
            return (Some(problem.to_owned()), runs);
        }
    }
    (None, runs)
}

/// Tries all runs of a sweep, with every processor. With a fault, it ends at the first counterexample.
fn tried(
    sweep: Sweep,
    logic: Logic,
    fault: Option<usize>,
) -> (Count, Vec<(String, Counterexample)>) {
    let cases = Cases::of(sweep);
    let next = AtomicUsize::new(0);
    let total = Mutex::new((Count::default(), Vec::new()));
    let try_all = |case: Case| {
        let setting = Setting {
            logic,
            task: &case.task,
            has_mutations: case.has_mutations,
            agents_per_request: case.agents_per_request,
        };
        let mut trial = Trial::new(setting, case.cluster, sweep.deviations);
        let result = trial.all();
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.0.add(trial.count);
        total.1.extend(result.err().map(|it| (case.name, it)));
        let is_over = fault.is_some() && !total.1.is_empty();
        (trial.has_removed, trial.has_weighed.get(), is_over)
    };
    let work = || {
        faults::turn_on(fault);
        let indices = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|it| *it < cases.len());
        for index in std::iter::from_fn(indices) {
            for of_cost in cases.alike(index) {
                let mut has_weighed = false;
                for index in of_cost {
                    let Some(case) = cases.get(index) else {
                        has_weighed = true;
                        continue;
                    };
                    let (has_removed, weighed, is_over) = try_all(case);
                    if is_over {
                        return;
                    }
                    has_weighed |= weighed;
                    // Without a removal, it does not matter when one is carried out.
                    if !has_removed {
                        break;
                    }
                }
                // If no run has asked for the cost, another one makes no difference.
                if !has_weighed {
                    break;
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a counterexample as a scenario, with its steps.
fn write(folder: &Path, name: &str, counterexample: &Counterexample) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("cluster.json"), &counterexample.cluster)?;
    fs::write(folder.join("command"), &counterexample.command)?;
    let steps = counterexample.steps.join("\n");
    fs::write(folder.join("steps"), format!("{}\n{name}\n\n{steps}\n", counterexample.problem))
}
