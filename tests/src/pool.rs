//! Lists of resources that can be added and subtracted.

use crate::amount::Amount;
use crate::resource::Resource;
use crate::version::Version;

/// An unordered list, stored in Mesos's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool(Vec<Resource>);

impl Pool {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter()
    }

    pub(crate) fn contains(&self, wanted: &Resource) -> bool {
        self.find(wanted).is_some()
    }

    /// Adds a resource; it merges with an equal one unless it must stay whole.
    pub(crate) fn add(&mut self, more: Resource) {
        if more.amount().is_empty() {
            return;
        }
        let identity = more.identity();
        let equal = |have: &&mut Resource| have.identity() == identity;
        let same = (!more.is_whole()).then(|| self.0.iter_mut().find(equal));
        match same.flatten() {
            Some(have) => {
                let mut amount = have.amount();
                amount.add(&more.amount());
                have.set_amount(&amount);
            }
            None => self.0.push(more),
        }
    }

    /// Subtracts a resource if it is in the list. As in Mesos, the last resource takes the place of
    /// one that is removed.
    pub(crate) fn subtract(&mut self, less: &Resource) {
        let Some(index) = self.find(less) else { return };
        let mut amount: Amount = self.0[index].amount();
        amount.subtract(&less.amount());
        if amount.is_empty() {
            self.0.swap_remove(index);
        } else {
            self.0[index].set_amount(&amount);
        }
    }

    /// Formats the list as Mesos does.
    pub(crate) fn print(&self, version: Version) -> String {
        let printed: Vec<_> = self.iter().map(|one| one.print(version)).collect();
        printed.join("; ")
    }

    fn find(&self, wanted: &Resource) -> Option<usize> {
        let (identity, amount) = (wanted.identity(), wanted.amount());
        self.0.iter().position(|have| {
            let enough = if wanted.is_whole() {
                have.amount() == amount
            } else {
                have.amount().contains(&amount)
            };
            enough && have.identity() == identity
        })
    }
}

impl FromIterator<Resource> for Pool {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Pool {
        let mut pool = Pool::default();
        resources.into_iter().for_each(|one| pool.add(one));
        pool
    }
}

impl IntoIterator for Pool {
    type Item = Resource;
    type IntoIter = std::vec::IntoIter<Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Pool;
    use crate::resource::Resource;
    use crate::version::Version;

    fn disk(value: f64, id: Option<&str>) -> Resource {
        let mut json = json!({"name": "disk", "type": "SCALAR", "scalar": {"value": value},
            "role": "r", "reservation": {}});
        if let Some(id) = id {
            json["disk"] = json!({"persistence": {"id": id}, "volume": {"container_path": "d"}});
        }
        Resource::read(&json).unwrap()
    }

    #[test]
    fn volumes_are_taken_whole_and_never_merge() {
        let mut pool: Pool =
            [disk(1.0, Some("a")), disk(1.0, Some("a")), disk(2.0, None)].into_iter().collect();
        assert_eq!(pool.iter().count(), 3);
        assert!(!pool.contains(&disk(0.5, Some("a"))));
        assert!(pool.contains(&disk(0.5, None)));
        pool.subtract(&disk(1.0, Some("a")));
        pool.add(disk(1.0, None));
        assert_eq!(pool.print(Version::parse("1.3.0")), "disk(r):3; disk(r)[a:d]:1");
    }
}
