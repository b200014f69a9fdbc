//! Faults and verdicts, as they are gathered while a service is judged.

use crate::action::{ActionKind, TargetZone};
use crate::code::Code;
use crate::ids::TaskArn;
use crate::input::PlanInput;
use crate::subject::Subject;
use crate::verdict::{Decision, Verdict};

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// About what.
    pub subject: Subject,
    /// The task it concerns.
    pub task: Option<TaskArn>,
    /// What was expected, what is there, and why.
    pub why: String,
    /// What would repair it, where that is Portkeeper's to do and proved.
    pub repair: Option<RepairStep>,
    /// Seconds from the first look until it counts as confirmed.
    pub confirm_seconds: u32,
}

/// One write that would repair a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairStep {
    /// Register or deregister.
    pub kind: ActionKind,
    /// The zone that the write names, where ELBv2 asks for one.
    pub zone: Option<TargetZone>,
}

/// Everything that was thought of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Faults.
    pub findings: Vec<Finding>,
    /// Things that are in order, not ours, or not known.
    pub verdicts: Vec<Verdict>,
}

impl Judgement {
    pub(crate) fn say(
        &mut self,
        subject: Subject,
        code: Option<Code>,
        decision: Decision,
        why: impl Into<String>,
    ) {
        self.verdicts.push(Verdict { subject, code, decision, why: why.into() });
    }

    /// One thing has one fault of a kind, however many tasks or targets show it: each finding is
    /// one incident.
    pub(crate) fn find(&mut self, finding: Finding) {
        if !self
            .findings
            .iter()
            .any(|known| known.code == finding.code && known.subject == finding.subject)
        {
            self.findings.push(finding);
        }
    }
}

/// A finding without a repair, confirmed by a second check after the usual time of its code.
pub(crate) fn finding(input: &PlanInput, code: Code, subject: Subject, why: String) -> Finding {
    let confirm_seconds = code.confirm_seconds(&input.policy);
    Finding { code, subject, task: None, why, repair: None, confirm_seconds }
}
