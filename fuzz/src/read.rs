//! Fuzzes the host's own parsers: recordings, plans, and ZooKeeper's lists of children.

use crate::answers::OPTIONS;
use janitor_policy::policy::Policy;
use janitor_report::plan_file::PlanFile;
use janitor_transport::recording::har::Har;
use janitor_transport::zookeeper::jute::Names;

/// Fuzzes recordings.
pub fn har(data: &[u8]) {
    let Ok(har) = Har::read(data) else { return };
    let json = serde_json::to_vec(&har).expect("a recording is JSON");
    let again = Har::read(&json).expect("what was written is read");
    assert_eq!(har.log.entries.len(), again.log.entries.len());
    for (entry, again) in har.log.entries.iter().zip(&again.log.entries) {
        assert!(entry.request.is(&again.request));
        assert_eq!(entry.response.content.bytes(), again.response.content.bytes());
        assert_eq!(entry.response.content_type(), again.response.content_type());
    }
    assert_eq!(har.log.janitor, again.log.janitor);
    Policy::new(&har.log.janitor.call, &har.log.janitor.options);
}

/// Fuzzes plans.
pub fn plan_file(data: &[u8]) {
    let Ok(plan) = PlanFile::read(data) else { return };
    let json = serde_json::to_vec(&plan).expect("a plan is JSON");
    assert_eq!(PlanFile::read(&json).as_ref(), Ok(&plan), "what was written is read");
    Policy::new(&plan.call(), &OPTIONS.clone());
}

/// Fuzzes ZooKeeper's lists of children: the count is correct, and each child is below the node.
pub fn children(data: &[u8]) {
    let Ok(mut names) = Names::new(data.to_vec()) else { return };
    let mut count = 0_u32;
    while let Some(name) = names.next_name() {
        assert!(!matches!(name, "" | "." | "..") && !name.contains(['/', '\0']), "{name:?}");
        count += 1;
    }
    assert_eq!(data.get(..4), Some(&count.to_be_bytes()[..]));
}
