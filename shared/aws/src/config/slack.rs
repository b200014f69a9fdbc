//! The configuration of the function that delivers alerts to Slack. The function receives the other
//! functions' variables, too, and reads one of them.

use super::{
    ConfigProblem, ConfigProblems, LOG, LogLevel, Reader, VARIABLES, Variable, parse_level,
    parse_url, unknown_names,
};
use std::collections::BTreeMap;

const SECRET: &str = "PORTKEEPER_SLACK_SECRET";
const DEAD_LETTERS: &str = "PORTKEEPER_SLACK_DEAD_LETTERS_URL";

/// The variables that only this function reads.
pub const SLACK_VARIABLES: &[Variable] = &[
    Variable {
        name: SECRET,
        meaning: "The secret that holds the Slack webhook, or a list of webhooks with their routes",
        default: None,
        allowed: "the name or the ARN of a secret of AWS Secrets Manager",
    },
    Variable {
        name: DEAD_LETTERS,
        meaning: "The queue for messages that Slack will never accept",
        default: None,
        allowed: "the https URL of an SQS queue",
    },
];

/// The configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackConfig {
    /// The name or the ARN of the secret.
    pub secret: String,
    /// The URL of the queue for messages that Slack will never accept.
    pub dead_letters_url: String,
    /// The log level.
    pub log: LogLevel,
}

impl SlackConfig {
    /// Reads the configuration from the environment of this process.
    pub fn from_env() -> Result<Self, ConfigProblems> {
        Self::from_variables(&super::environment())
    }

    /// Reads the configuration from these variables; unknown names that begin with `PORTKEEPER_`
    /// are problems, too.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, ConfigProblems> {
        const KNOWN: &[&[Variable]] = &[VARIABLES, SLACK_VARIABLES];
        let lookup = |name: &str| variables.get(name).cloned();
        let mut read = Reader::new(&lookup, KNOWN);
        let config = Self {
            secret: read.value(SECRET, String::new(), parse_secret),
            dead_letters_url: read.value(DEAD_LETTERS, String::new(), parse_url),
            log: read.value(LOG, LogLevel::Info, parse_level),
        };
        let mut problems = read.into_problems();
        for problem in &mut problems {
            // If the webhook is put here by mistake, the log must not contain it.
            if let ConfigProblem::NotAllowed { name: SECRET, value, .. } = problem {
                "(not shown)".clone_into(value);
            }
        }
        problems.extend(unknown_names(variables, KNOWN));
        if problems.is_empty() { Ok(config) } else { Err(ConfigProblems(problems)) }
    }
}

/// If the webhook were set instead of the secret's name, every problem would print it.
fn parse_secret(text: &str) -> Option<String> {
    let fits =
        text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/_+=.@-:".contains(letter));
    (fits && !text.contains("://") && (1..=2048).contains(&text.len())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(secret: &str) -> Result<SlackConfig, String> {
        let pairs = [
            ("PORTKEEPER_SLACK_SECRET", secret),
            (
                "PORTKEEPER_SLACK_DEAD_LETTERS_URL",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/dead",
            ),
            ("PORTKEEPER_MODE", "repair"),
        ];
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        SlackConfig::from_variables(&variables).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_secret_is_named_and_never_given() {
        for name in [
            "portkeeper/slack",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:portkeeper/slack-AbCdEf",
        ] {
            assert_eq!(read(name).unwrap().secret, name);
        }
        let problem = read("https://hooks.slack.com/services/T/B/s3cret").unwrap_err();
        assert!(problem.contains("PORTKEEPER_SLACK_SECRET"), "{problem}");
        assert!(!problem.contains("s3cret"), "{problem}");
        assert!(read("").unwrap_err().contains("is not set"));
    }
}
