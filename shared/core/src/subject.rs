//! What a finding, a verdict or an incident is about.

use crate::ids::{NotAnId, Target, TargetGroupArn, TaskArn};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an incident is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// The service as a whole.
    Service,
    Task(TaskArn),
    Group(TargetGroupArn),
    /// A target in a group.
    Target(TargetGroupArn, Target),
}

impl Subject {
    #[must_use]
    pub fn group(&self) -> Option<&TargetGroupArn> {
        match self {
            Self::Group(group) | Self::Target(group, _) => Some(group),
            Self::Service | Self::Task(_) => None,
        }
    }

    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Target(_, target) => Some(target),
            Self::Service | Self::Task(_) | Self::Group(_) => None,
        }
    }

    /// The text for screens and alerts, with the short form of a task's id.
    #[must_use]
    pub fn readable(&self) -> String {
        match self {
            Self::Task(task) => format!("task {}", task.short()),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Subject {
    /// The text with full ids; the JSON form holds whole ARNs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => f.write_str("service"),
            Self::Task(task) => write!(f, "task {}", task.tail()),
            Self::Group(group) => f.write_str(group.name()),
            Self::Target(group, target) => write!(f, "{} {target}", group.name()),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        if text == "service" {
            return Ok(Self::Service);
        }
        if let Some((group, target)) = text.split_once(' ') {
            return Ok(Self::Target(
                TargetGroupArn::try_from(group)?,
                Target::try_from(target.to_owned())?,
            ));
        }
        TaskArn::try_from(text.as_str())
            .map(Self::Task)
            .or_else(|_| TargetGroupArn::try_from(text).map(Self::Group))
            .map_err(|NotAnId { text, .. }| NotAnId { text, wanted: "the subject of an incident" })
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Service => "service".to_owned(),
            Subject::Task(task) => task.into(),
            Subject::Group(group) => group.into(),
            Subject::Target(group, target) => format!("{group} {target}"),
        }
    }
}
