//! The configuration. The process reads it once from the environment, validates all of it and
//! reports all problems together.
//!
//! [`VARIABLES`] is the one place where each variable is documented.

mod reader;
mod slack;

pub use reader::{Reader, environment, parse_url, unknown_names};
pub use slack::{SLACK_VARIABLES, SlackConfig};

use portkeeper_core::ids::ClusterArn;
use portkeeper_core::policy::{Mode, Policy};
use portkeeper_core::report::HttpsFormat;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const QUEUE: &str = "PORTKEEPER_CHECKS_QUEUE_URL";
const TABLE: &str = "PORTKEEPER_LEDGER_TABLE";
const TOPIC: &str = "PORTKEEPER_ALERTS_TOPIC_ARN";
const MODE: &str = "PORTKEEPER_MODE";
const SETTLE: &str = "PORTKEEPER_SETTLE_SECONDS";
const CONFIRM: &str = "PORTKEEPER_CONFIRM_SECONDS";
const DEREGISTRATIONS: &str = "PORTKEEPER_MAX_DEREGISTRATIONS";
const PERCENT: &str = "PORTKEEPER_MAX_DEREGISTRATION_PERCENT";
const SHARE: &str = "PORTKEEPER_API_SHARE_PERCENT";
const AZ_ALL: &str = "PORTKEEPER_AZ_ALL";
const PERSON: &str = "PORTKEEPER_PERSON_MINUTES";
const REMIND: &str = "PORTKEEPER_REMIND_HOURS";
const HTTPS: &str = "PORTKEEPER_HTTPS_FORMAT";
const CLUSTERS: &str = "PORTKEEPER_CLUSTERS";
const LOG: &str = "PORTKEEPER_LOG";
const OWN_ROLES: &str = "PORTKEEPER_OWN_ROLES";

/// At most three functions run at once, so a quarter of the account's quota is always left to other
/// callers.
const DEFAULT_SHARE_PERCENT: u32 = 25;

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// The default if it is not set or empty; absent if the variable is required.
    pub default: Option<&'static str>,
    /// The allowed values.
    pub allowed: &'static str,
}

/// Every variable that is read.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: QUEUE,
        meaning: "The queue that delivers check requests and receives rechecks",
        default: None,
        allowed: "the https URL of an SQS queue",
    },
    Variable {
        name: TABLE,
        meaning: "The table that holds one ledger record for each service",
        default: None,
        allowed: "the name of a DynamoDB table: 3 to 255 of letters, digits, `_`, `-`, `.`",
    },
    Variable {
        name: TOPIC,
        meaning: "The topic to which alerts are published",
        default: None,
        allowed: "the ARN of an SNS topic",
    },
    Variable {
        name: MODE,
        meaning: "The mode of a service without the tag `portkeeper:mode`",
        default: Some("repair"),
        allowed: "repair, alert or off",
    },
    Variable {
        name: SETTLE,
        meaning: "The settle time in seconds: how long Portkeeper waits for ECS after a task starts or stops",
        default: Some("90"),
        allowed: "a whole number from 10 to 900",
    },
    Variable {
        name: CONFIRM,
        meaning: "Seconds between the first and the second check",
        default: Some("60"),
        allowed: "a whole number from 10 to 900",
    },
    Variable {
        name: DEREGISTRATIONS,
        meaning: "If a plan has more deregistrations than this and more than the share below, Portkeeper executes none of them",
        default: Some("5"),
        allowed: "a whole number from 0 to 1000",
    },
    Variable {
        name: PERCENT,
        meaning: "The same limit as a share of the service's registered targets, in percent",
        default: Some("10"),
        allowed: "a whole number from 0 to 100",
    },
    Variable {
        name: SHARE,
        meaning: "The largest share of the account's API request quota that one running function uses, in percent",
        default: Some("25"),
        allowed: "a whole number from 1 to 100",
    },
    Variable {
        name: AZ_ALL,
        meaning: "Register an address outside its group's VPC with the Availability Zone `all`; otherwise report it",
        default: Some("false"),
        allowed: "true or false",
    },
    Variable {
        name: PERSON,
        meaning: "Minutes for which a target that a person deregistered is left alone before it is registered again; the alert is published at once",
        default: Some("30"),
        allowed: "a whole number from 0 to 1440",
    },
    Variable {
        name: REMIND,
        meaning: "Hours until the next reminder about an incident that is still open; 0: no reminders",
        default: Some("24"),
        allowed: "a whole number from 0 to 720",
    },
    Variable {
        name: HTTPS,
        meaning: "The format for HTTPS subscribers of the topic: the alert as JSON, or the format of Amazon Q Developer in chat applications",
        default: Some("json"),
        allowed: "json or chat",
    },
    Variable {
        name: CLUSTERS,
        meaning: "The clusters in scope",
        default: Some("*"),
        allowed: "cluster names separated by commas, or `*` for all",
    },
    Variable {
        name: OWN_ROLES,
        meaning: "The roles of Portkeeper's functions, whose API calls are never the cause of a finding",
        default: Some(""),
        allowed: "ARNs of IAM roles, separated by commas",
    },
    Variable {
        name: LOG,
        meaning: "The lowest level of log messages",
        default: Some("info"),
        allowed: "error, warn, info or debug",
    },
];

/// The log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// Also warnings.
    Warn,
    /// Also one line for each check.
    Info,
    /// Also ignored messages, with the reason.
    Debug,
}

/// The clusters in scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clusters {
    /// All.
    All,
    /// Those with these names.
    Named(BTreeSet<String>),
}

impl Clusters {
    /// Returns whether this cluster is in scope.
    #[must_use]
    pub fn include(&self, cluster: &ClusterArn) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(cluster.name()),
        }
    }
}

/// The configuration of the functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The URL of the `checks` queue.
    pub checks_queue_url: String,
    /// The name of the ledger's table.
    pub ledger_table: String,
    /// The ARN of the alerts' topic.
    pub alerts_topic_arn: String,
    /// Limits and waiting times: the core's defaults, overridden by the configured values.
    pub policy: Policy,
    /// The largest share of the account's API request quota that one running function uses.
    pub api_share_percent: u32,
    /// What HTTPS subscribers of the topic receive.
    pub https_format: HttpsFormat,
    /// The clusters in scope.
    pub clusters: Clusters,
    /// The ARNs of the roles of Portkeeper's functions.
    pub own_roles: BTreeSet<String>,
    /// The log level.
    pub log: LogLevel,
}

/// All problems of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

impl std::error::Error for ConfigProblems {}

/// One problem of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigProblem {
    /// A required variable is not set.
    #[error("{name} is not set; it must be {allowed}")]
    Unset {
        /// The variable.
        name: &'static str,
        /// The allowed values.
        allowed: &'static str,
    },
    /// Its value is not allowed.
    #[error("{name} is `{value}`; it must be {allowed}")]
    NotAllowed {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// The allowed values.
        allowed: &'static str,
    },
    /// There is no such variable.
    #[error("{name} is not a variable of Portkeeper{}", did_you_mean(*.nearest))]
    UnknownName {
        /// The variable.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
}

fn did_you_mean(nearest: Option<&'static str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

impl Config {
    /// Reads the configuration from the environment of this process.
    pub fn from_env() -> Result<Self, ConfigProblems> {
        Self::from_variables(&environment())
    }

    /// Reads the configuration from these variables; unknown names that begin with `PORTKEEPER_`
    /// are problems, too.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, ConfigProblems> {
        let mut problems: Vec<ConfigProblem> = unknown_names(variables, &[VARIABLES]).collect();
        match Self::from_lookup(&|name| variables.get(name).cloned()) {
            Ok(config) if problems.is_empty() => Ok(config),
            Ok(_) => Err(ConfigProblems(problems)),
            Err(ConfigProblems(others)) => {
                problems.splice(0..0, others);
                Err(ConfigProblems(problems))
            }
        }
    }

    /// Reads the configuration through a function that returns variables by name. An empty value
    /// counts as not set.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigProblems> {
        let mut read = Reader::new(lookup, &[VARIABLES]);
        let defaults = Policy::default();
        let config = Self {
            checks_queue_url: read.value(QUEUE, String::new(), parse_url),
            ledger_table: read.value(TABLE, String::new(), parse_table),
            alerts_topic_arn: read.value(TOPIC, String::new(), parse_topic),
            policy: Policy {
                mode: read.value(MODE, defaults.mode, Mode::parse),
                settle_seconds: read
                    .value(SETTLE, defaults.settle_seconds, |text| reader::number(text, 10, 900)),
                confirm_seconds: read
                    .value(CONFIRM, defaults.confirm_seconds, |text| reader::number(text, 10, 900)),
                max_deregistrations: read.value(
                    DEREGISTRATIONS,
                    defaults.max_deregistrations,
                    |text| reader::number(text, 0, 1000),
                ),
                max_deregistration_percent: read.value(
                    PERCENT,
                    defaults.max_deregistration_percent,
                    |text| reader::number(text, 0, 100),
                ),
                person_seconds: read.value(PERSON, defaults.person_seconds, |text| {
                    reader::number(text, 0, 1440).map(|minutes| minutes * 60)
                }),
                remind_seconds: read.value(REMIND, defaults.remind_seconds, |text| {
                    reader::number(text, 0, 720).map(|hours| hours * 3600)
                }),
                az_all: read.value(AZ_ALL, defaults.az_all, |text| text.parse().ok()),
                ..defaults
            },
            api_share_percent: read
                .value(SHARE, DEFAULT_SHARE_PERCENT, |text| reader::number(text, 1, 100)),
            https_format: read.value(HTTPS, HttpsFormat::default(), HttpsFormat::parse),
            clusters: read.value(CLUSTERS, Clusters::All, parse_clusters),
            own_roles: read.value(OWN_ROLES, BTreeSet::new(), parse_roles),
            log: read.value(LOG, LogLevel::Info, parse_level),
        };
        let problems = read.into_problems();
        if problems.is_empty() { Ok(config) } else { Err(ConfigProblems(problems)) }
    }
}

fn parse_table(text: &str) -> Option<String> {
    let fits = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter));
    (fits && (3..=255).contains(&text.len())).then(|| text.to_owned())
}

fn parse_topic(text: &str) -> Option<String> {
    let mut parts = text.splitn(6, ':');
    let fits = parts.next() == Some("arn") && parts.next().is_some() && parts.next() == Some("sns");
    (fits && parts.nth(2).is_some_and(|name| !name.is_empty())).then(|| text.to_owned())
}

fn parse_clusters(text: &str) -> Option<Clusters> {
    if text == "*" {
        return Some(Clusters::All);
    }
    let fits = |name: &str| {
        let letters =
            name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
        letters && (1..=255).contains(&name.len())
    };
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Option<BTreeSet<String>> =
        names.map(|name| fits(name).then(|| name.to_owned())).collect();
    names.filter(|names| !names.is_empty()).map(Clusters::Named)
}

fn parse_roles(text: &str) -> Option<BTreeSet<String>> {
    let fits =
        |arn: &&str| arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":role/");
    let arns = text.split(',').map(str::trim).filter(|arn| !arn.is_empty());
    arns.map(|arn| fits(&arn).then(|| arn.to_owned())).collect()
}

fn parse_level(text: &str) -> Option<LogLevel> {
    match text {
        "error" => Some(LogLevel::Error),
        "warn" => Some(LogLevel::Warn),
        "info" => Some(LogLevel::Info),
        "debug" => Some(LogLevel::Debug),
        _ => None,
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
