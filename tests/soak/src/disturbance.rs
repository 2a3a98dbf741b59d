//! The events that disturb a cluster in an episode, drawn by chance before it begins.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::Result;
use crate::cluster::{AGENTS, Cluster};
use crate::log::Log;

/// The time by which a run may begin before the event.
const LEAD: Duration = Duration::from_millis(500);

/// One event. Each number is that of an agent.
#[derive(Clone, Copy, Debug)]
enum Event {
    Freeze(usize),
    Resume(usize),
    Kill(usize),
    Start(usize),
    StartWithoutState(usize),
    FreezeMaster,
    ResumeMaster,
    KillMaster,
    StartMaster,
}

/// The events of an episode.
pub struct Disturbance {
    events: Vec<(Duration, Event)>,
    /// The kinds, one for each disturbance.
    pub kinds: Vec<&'static str>,
    /// The agents that lose their state.
    pub lost: BTreeSet<usize>,
}

impl Disturbance {
    /// Draws the events of half a minute.
    pub fn by_chance(chance: &mut Rng, with_failovers: bool) -> Self {
        let mut events = Vec::new();
        let (mut kinds, mut lost) = (Vec::new(), BTreeSet::new());
        for _ in 0..chance.usize(2..=7) {
            let mut seconds = |range| Duration::from_millis(chance.u64(range));
            let (at, short, long) =
                (seconds(0..25_000), seconds(300..6_000), seconds(1_000..12_000));
            let agent = chance.usize(0..AGENTS);
            let (kind, first, second, pause) = match chance.u8(0..20) {
                0..7 => ("agent frozen", Event::Freeze(agent), Event::Resume(agent), long),
                7..12 => ("agent killed", Event::Kill(agent), Event::Start(agent), long),
                12 if lost.is_empty() => {
                    lost.insert(agent);
                    let start = Event::StartWithoutState(agent);
                    ("agent without its state", Event::Kill(agent), start, long)
                }
                // A frozen agent that dies never gets what was sent to it.
                12..16 => {
                    kinds.push("agent frozen");
                    events.push((at.saturating_sub(short), Event::Freeze(agent)));
                    ("agent killed", Event::Kill(agent), Event::Start(agent), long)
                }
                16..18 => ("master frozen", Event::FreezeMaster, Event::ResumeMaster, short),
                _ if with_failovers => ("failover", Event::KillMaster, Event::StartMaster, short),
                _ => continue,
            };
            kinds.push(kind);
            events.extend([(at, first), (at + pause, second)]);
        }
        // An agent that is killed again before it has lost its state would keep it.
        events.retain(|(_, event)| match event {
            Event::Start(agent) => !lost.contains(agent),
            _ => true,
        });
        events.sort_by_key(|(at, _)| *at);
        Self { events, kinds, lost }
    }

    /// Draws a time that is close to one of the events: a run takes much less time than an episode,
    /// and would mostly miss them.
    pub fn moment(&self, chance: &mut Rng) -> Duration {
        let event = chance.choice(&self.events).map_or(Duration::ZERO, |(at, _)| *at);
        (event + Duration::from_millis(chance.u64(0..1_500))).saturating_sub(LEAD)
    }

    /// Lets everything happen.
    pub fn happen(&self, cluster: &mut Cluster, log: &Log) -> Result<()> {
        let start = Instant::now();
        for (at, event) in &self.events {
            sleep(at.saturating_sub(start.elapsed()));
            log.note(&format!("{event:?}"));
            match *event {
                Event::Freeze(agent) => cluster.agents[agent].signal("-STOP"),
                Event::Resume(agent) => cluster.agents[agent].signal("-CONT"),
                Event::Kill(agent) => cluster.agents[agent].kill(),
                Event::Start(agent) => cluster.agents[agent].start(true)?,
                Event::StartWithoutState(agent) => cluster.agents[agent].start(false)?,
                Event::FreezeMaster => cluster.master.signal("-STOP"),
                Event::ResumeMaster => cluster.master.signal("-CONT"),
                Event::KillMaster => cluster.master.kill(),
                Event::StartMaster => {
                    cluster.master.start(true)?;
                    cluster.failover = Some(Instant::now());
                }
            }
        }
        Ok(())
    }
}
