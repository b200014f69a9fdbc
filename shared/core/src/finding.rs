//! The findings and verdicts of one check.

use crate::action::{ActionKind, TargetZone};
use crate::code::{Code, Severity};
use crate::ids::{Target, TargetGroupArn, TaskArn};
use crate::input::PlanInput;
use crate::subject::Subject;
use crate::time::Timestamp;
use crate::verdict::{Decision, Verdict};

/// One fault, found in one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    pub subject: Subject,
    pub task: Option<TaskArn>,
    /// What was expected, what is there, and why.
    pub why: String,
    /// The repair, if Portkeeper may execute it and the ownership is proved.
    pub repair: Option<RepairStep>,
    /// When AWS accepts the repair, if not yet.
    pub repair_from: Option<Timestamp>,
    /// Seconds from the first check until a second check confirms it; zero if the first check is
    /// enough for an alert.
    pub confirm_seconds: u32,
    /// The call of a person that led to it, until when the repair is withheld.
    pub meant_until: Option<Timestamp>,
    /// The severity, if it depends on more than the code.
    pub severity: Option<Severity>,
}

/// One write that would repair a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairStep {
    /// Register or deregister.
    pub kind: ActionKind,
    /// The zone that the write names, if ELBv2 requires one.
    pub zone: Option<TargetZone>,
}

/// All findings and verdicts of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    pub findings: Vec<Finding>,
    /// Targets, tasks and groups that are in order, out of scope or undetermined.
    pub verdicts: Vec<Verdict>,
    /// Targets whose registration is another writer's now, with the task that had them: their
    /// proof ends.
    pub disproved: Vec<(TargetGroupArn, Target, TaskArn)>,
    /// Targets that were never this service's and that belong to tasks of other clusters.
    pub of_other_clusters: Vec<(TargetGroupArn, Target)>,
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

    /// Adds a finding once for each code and subject, even if several tasks or targets show it:
    /// each finding is one incident.
    pub(crate) fn find(&mut self, finding: Finding) {
        if !self
            .findings
            .iter()
            .any(|known| known.code == finding.code && known.subject == finding.subject)
        {
            self.findings.push(finding);
        }
    }

    /// Makes verdicts of these findings, because another finding reports them.
    pub(crate) fn withdraw(&mut self, is_reported: impl Fn(&Finding) -> bool) {
        let (reported, kept) =
            std::mem::take(&mut self.findings).into_iter().partition(is_reported);
        self.findings = kept;
        let reported: Vec<Finding> = reported;
        for Finding { code, subject, why, .. } in reported {
            self.say(subject, Some(code), Decision::Unknown, why);
        }
    }
}

/// A finding without a repair, confirmed by a second check after the usual time of its code.
pub(crate) fn finding(input: &PlanInput, code: Code, subject: Subject, why: String) -> Finding {
    let confirm_seconds = code.confirm_seconds(&input.policy);
    Finding {
        code,
        subject,
        task: None,
        why,
        repair: None,
        repair_from: None,
        confirm_seconds,
        meant_until: None,
        severity: None,
    }
}
