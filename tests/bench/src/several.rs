//! Measures one run that cleans several roles, and beside it a run for each of them, and a run in
//! which all the resources are of one role. It fails if the run for several roles reads more lists
//! than it may, or takes longer.

use std::num::NonZeroUsize;

use clap::Args;
use janitor_host::{Endpoints, Janitor, Network, Options as RunOptions, Report, Session, Target};

use crate::Result;
use crate::agents::role;
use crate::http::ask;
use crate::measure::{Cost, Master, median};
use crate::micro::timed;
use crate::serve::Cluster;

/// The most lists of agents that one run may read, whatever the number of roles: one before the
/// first phase, and one that confirms each of the two phases.
const LISTS: u64 = 3;

/// The most time that the phases may take, relative to that of their requests by themselves.
const FACTOR: f64 = 1.3;

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    cluster: Cluster,
    /// Number of roles; each agent that matches has resources of one of them, in turn
    #[arg(long, default_value = "20")]
    roles: NonZeroUsize,
    /// Number of measurements of each kind; the result is their median
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// The measurements that are made in turn.
struct Round {
    /// The time to plan for a role that nobody has, which reads a list and every other page.
    plan: f64,
    /// The time to read a list, by a client that does nothing with it.
    list: f64,
    together: Cost,
    each: Cost,
    one_role: Cost,
}

/// Prints a table.
pub fn several(Options { cluster, roles, runs }: &Options) -> Result<()> {
    let janitor = Janitor::new()?;
    let clean = |roles: NonZeroUsize, clean: &dyn Fn(&[Target], &Network) -> Result<()>| {
        let targets: Vec<_> = (0..roles.get()).map(|number| target(role(number))).collect();
        let master = Master::start(*cluster, roles)?;
        let network = network(&master)?;
        let wall = timed(|| clean(&targets, &network))?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Cost { wall, ..master.counts()? })
    };
    let together = |targets: &[Target], network: &Network| -> Result<()> {
        let session = Session::new(network.clone());
        for report in janitor.clean_all(targets, &RunOptions::DEFAULT, session)? {
            require_all(&report.map_err(|failure| failure.message)?)?;
        }
        Ok(())
    };
    let each = |targets: &[Target], network: &Network| -> Result<()> {
        for target in targets {
            let session = Session::new(network.clone());
            require_all(&janitor.clean(target, &RunOptions::DEFAULT, session)?)?;
        }
        Ok(())
    };
    let round = |_| -> Result<Round> {
        let master = Master::start(*cluster, *roles)?;
        let session = Session::new(network(&master)?);
        let nobody = target("nobody".into());
        Ok(Round {
            plan: timed(|| janitor.plan(&nobody, &RunOptions::DEFAULT, session))?,
            list: timed(|| ask(&format!("{}/master/slaves", master.url), None))?,
            together: clean(*roles, &together)?,
            each: clean(*roles, &each)?,
            one_role: clean(NonZeroUsize::MIN, &each)?,
        })
    };
    let rounds = (0..*runs).map(round).collect::<Result<Vec<_>>>()?;
    let Cluster { agents, matching, latency_ms, .. } = cluster;
    let formula = cluster.formula();
    #[allow(clippy::cast_precision_loss, reason = "it is small")]
    let reads = median(&rounds, |it| it.plan + (LISTS - 1) as f64 * it.list);
    let bound = FACTOR * formula + reads;
    println!(
        "{agents} agents, {matching} % of them with resources of one of {roles} roles, {latency_ms} ms \
         per response; medians of {runs} runs. 2 n t / w = {formula:.3} s, the reads take {reads:.3} \
         s, and {FACTOR} x 2 n t / w with them {bound:.3} s.\n"
    );
    println!(
        "| | wall, s | to 2 n t / w | requests | list reads | connections | most at once |\n\
         | --- | --- | --- | --- | --- | --- | --- |"
    );
    row("one run for all roles", &rounds, formula, |it| &it.together);
    row("a run for each role", &rounds, formula, |it| &it.each);
    row("a run for one role that has everything", &rounds, formula, |it| &it.one_role);
    let ratio = |of: fn(&Round) -> f64| median(&rounds, of);
    let per_role = ratio(|it| it.each.wall / it.together.wall);
    let of_one = ratio(|it| it.together.wall / it.one_role.wall);
    println!("| for each role / for all roles | {per_role:.2} | | | | | |");
    println!("| for all roles / for one role | {of_one:.2} | | | | | |");
    let most = rounds.iter().map(|it| it.together.list_reads).max().unwrap_or_default();
    if most > LISTS {
        return Err(format!("one run reads {most} lists, more than {LISTS}").into());
    }
    let wall = median(&rounds, |it| it.together.wall);
    if wall > bound {
        return Err(format!("one run takes {wall:.3} s, longer than {bound:.3} s").into());
    }
    Ok(())
}

fn target(role: String) -> Target {
    Target { role: Some(role), ..Target::NOTHING }
}

fn network(master: &Master) -> Result<Network> {
    let url = &master.url;
    let endpoints = Endpoints::new(&format!("{url}/master/"), url, url)?;
    Ok(Network::builder(endpoints).no_proxy().build()?)
}

/// Requires that a cleanup has confirmed both phases.
fn require_all(report: &Report) -> Result<()> {
    match report.confirmed.len() {
        2 => Ok(()),
        _ => Err("a cleanup has not confirmed both phases".into()),
    }
}

fn row(name: &str, rounds: &[Round], formula: f64, of: fn(&Round) -> &Cost) {
    let wall = median(rounds, |it| of(it).wall);
    let Some(Cost { requests, list_reads, connections, most_at_once, .. }) = rounds.last().map(of)
    else {
        return;
    };
    println!(
        "| {name} | {wall:.2} | {:.1} | {requests} | {list_reads} | {connections} | {most_at_once} |",
        wall / formula
    );
}
