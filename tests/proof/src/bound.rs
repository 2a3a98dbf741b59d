//! The bound: which clusters, and how many deviations.

use janitor_guest::simulated::bounded::{Kind, Users};
use janitor_guest::simulated::{Cluster, Part, Place};

/// A part of the bound: all clusters with this many agents, or every so many of them.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    /// The number of agents: one or two.
    pub agents: usize,
    /// The largest number of resources of an agent.
    pub resources: usize,
    /// The largest number of deviations of a run.
    pub deviations: u8,
    /// One in so many clusters is tried.
    pub one_in: usize,
}

/// The whole bound.
pub const WHOLE: [Sweep; 4] = [
    Sweep { agents: 1, resources: 2, deviations: 1, one_in: 1 },
    Sweep { agents: 1, resources: 1, deviations: 2, one_in: 1 },
    Sweep { agents: 2, resources: 1, deviations: 1, one_in: 1 },
    Sweep { agents: 2, resources: 2, deviations: 0, one_in: 1 },
];

/// The sample of each sweep that is tried before each change. The numbers have no common divisor with
/// those of targets, delays and frameworks, so that the sample has all of these.
pub const QUICK: [Sweep; 4] = [
    Sweep { one_in: 7, ..WHOLE[0] },
    Sweep { one_in: 23, ..WHOLE[1] },
    Sweep { one_in: 229, ..WHOLE[2] },
    Sweep { one_in: 53, ..WHOLE[3] },
];

/// The sweeps in which every fault is found, the shortest first.
pub const FAULTY: [Sweep; 4] = [
    Sweep { deviations: 0, one_in: 7, ..WHOLE[2] },
    Sweep { deviations: 1, ..WHOLE[1] },
    QUICK[2],
    Sweep { one_in: 17, ..WHOLE[1] },
];

/// The removals that agents carry out at once, and those that stay pending for one look. An agent
/// that never carries any out is a place of its own.
const DELAYS: [u32; 2] = [0, 1];

/// The costs of a request for one agent, in agents of a list: the second makes each run read the whole
/// list.
const COSTS: [usize; 2] = [0, 50];

/// The clusters of a sweep.
pub struct Cases {
    singles: Vec<(Place, Vec<Kind>)>,
    /// The agents of each cluster, by their indices in `singles`.
    agents: Vec<Vec<usize>>,
    one_in: usize,
}

/// A cluster, the target of the runs, and a name for both.
pub struct Case {
    /// The cluster.
    pub cluster: Cluster,
    /// The target.
    pub part: Part,
    /// How many agents of a list take as long as a request for one: with none, each run reads agents
    /// alone between the phases.
    pub agents_per_request: usize,
    /// The name.
    pub name: String,
}

impl Cases {
    /// Lists the clusters of a sweep.
    pub fn of(sweep: Sweep) -> Self {
        let holdings = holdings(sweep.resources);
        let of_place = |place| holdings.iter().map(move |kinds| (place, kinds.clone()));
        let singles: Vec<_> = Place::ALL.into_iter().flat_map(of_place).collect();
        let all = 0..singles.len();
        // The order of two agents does not matter.
        let pairs = |one| (one..singles.len()).map(move |other| vec![one, other]);
        let agents = match sweep.agents {
            1 => all.map(|one| vec![one]).collect(),
            _ => all.flat_map(pairs).collect(),
        };
        Self { singles, agents, one_in: sweep.one_in }
    }

    /// Returns a case, if there are so many. Where nothing has a volume, nothing is read between the phases,
    /// so that the case equals another one, and is left out.
    pub fn get(&self, index: usize) -> Option<Option<Case>> {
        let mut rest = index * self.one_in;
        let mut next = |length: usize| {
            let digit = rest % length;
            rest /= length;
            digit
        };
        let part = Part::BOUNDED[next(Part::BOUNDED.len())];
        let delay = DELAYS[next(DELAYS.len())];
        let users = Users::ALL[next(Users::ALL.len())];
        let agents_per_request = COSTS[next(COSTS.len())];
        let agents = self.agents.get(rest)?;
        let agents: Vec<_> = agents.iter().map(|it| &self.singles[*it]).collect();
        let held: Vec<_> = agents.iter().map(|(place, kinds)| (*place, &kinds[..])).collect();
        let cluster = Cluster::bounded(&held, users, delay);
        let has_volume = held.iter().any(|(_, kinds)| kinds.iter().any(|it| it.is_volume()));
        let name = format!(
            "{held:?}, users {users:?}, delay {delay}, cost {agents_per_request}, {part:?}"
        );
        let is_new = has_volume || agents_per_request > 0;
        Some(is_new.then_some(Case { cluster, part, agents_per_request, name }))
    }
}

/// Returns everything that an agent may hold.
fn holdings(most: usize) -> Vec<Vec<Kind>> {
    let none = [Vec::new()];
    let one = Kind::ALL.iter().map(|it| vec![*it]);
    let pairs = Kind::ALL.iter().enumerate().flat_map(|(index, one)| {
        // Two equal reservations are one larger one.
        let first = if one.is_volume() { index } else { index + 1 };
        Kind::ALL[first..].iter().map(|other| vec![*one, *other])
    });
    let all = none.into_iter().chain(one).chain(pairs);
    all.filter(|it| it.len() <= most).collect()
}
