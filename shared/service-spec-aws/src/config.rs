//! The configuration of the function that creates services from specs: that of all functions, and
//! its own variables.

use portkeeper_aws::config::{
    Config, ConfigProblems, Reader, VARIABLES, Variable, environment, parse_url, unknown_names,
};
use portkeeper_service_spec::rules::Band;
use std::collections::BTreeMap;

const BUCKET: &str = "PORTKEEPER_SPEC_BUCKET";
const QUEUE: &str = "PORTKEEPER_SPECS_QUEUE_URL";
const DEAD_LETTERS: &str = "PORTKEEPER_SPECS_DEAD_LETTERS_URL";
const PRIORITIES: &str = "PORTKEEPER_RULE_PRIORITIES";

/// The variables that only this function reads.
pub const SPEC_VARIABLES: &[Variable] = &[
    Variable {
        name: BUCKET,
        meaning: "The bucket whose objects under `specs/` are specs; results go under `results/`",
        default: None,
        allowed: "the name of an S3 bucket",
    },
    Variable {
        name: QUEUE,
        meaning: "The queue that delivers the events of specs and receives rechecks",
        default: None,
        allowed: "the https URL of an SQS queue",
    },
    Variable {
        name: DEAD_LETTERS,
        meaning: "The queue for messages that cannot be parsed",
        default: None,
        allowed: "the https URL of an SQS queue",
    },
    Variable {
        name: PRIORITIES,
        meaning: "The range from which a listener rule gets the lowest free priority, if its spec names none",
        default: Some("1000-1999"),
        allowed: "two numbers from 1 to 50000 with a hyphen between them, the smaller one first",
    },
];

/// The configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecConfig {
    /// The configuration of all functions.
    pub shared: Config,
    /// The bucket of specs and results.
    pub bucket: String,
    /// The URL of the `specs` queue.
    pub queue_url: String,
    /// The URL of the queue for unreadable messages.
    pub dead_letters_url: String,
    /// The priorities that Portkeeper may choose for a rule.
    pub priorities: Band,
}

impl SpecConfig {
    /// Reads the configuration from the environment of this process.
    pub fn from_env() -> Result<Self, ConfigProblems> {
        Self::from_variables(&environment())
    }

    /// Reads the configuration from these variables; unknown names that begin with `PORTKEEPER_`
    /// are problems, too.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, ConfigProblems> {
        let lookup = |name: &str| variables.get(name).cloned();
        let mut read = Reader::new(&lookup, &[SPEC_VARIABLES]);
        let bucket = read.value(BUCKET, String::new(), parse_bucket);
        let queue_url = read.value(QUEUE, String::new(), parse_url);
        let dead_letters_url = read.value(DEAD_LETTERS, String::new(), parse_url);
        let priorities = read.value(PRIORITIES, Band::default(), |text| text.parse().ok());
        let mut problems = read.into_problems();
        let shared = match Config::from_lookup(&lookup) {
            Ok(shared) => Some(shared),
            Err(ConfigProblems(others)) => {
                problems.splice(0..0, others);
                None
            }
        };
        problems.extend(unknown_names(variables, &[VARIABLES, SPEC_VARIABLES]));
        match shared {
            Some(shared) if problems.is_empty() => {
                Ok(Self { shared, bucket, queue_url, dead_letters_url, priorities })
            }
            _ => Err(ConfigProblems(problems)),
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn parse_bucket(text: &str) -> Option<String> {
    let fits = text.chars().all(|letter| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter)
    });
    (fits && (3..=63).contains(&text.len())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<SpecConfig, String> {
        let given = [
            (
                "PORTKEEPER_CHECKS_QUEUE_URL",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/checks",
            ),
            ("PORTKEEPER_LEDGER_TABLE", "ledger"),
            ("PORTKEEPER_ALERTS_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:alerts"),
            (BUCKET, "specs-111122223333"),
            (QUEUE, "https://sqs.eu-west-1.amazonaws.com/111122223333/specs"),
            (DEAD_LETTERS, "https://sqs.eu-west-1.amazonaws.com/111122223333/specs-dead"),
        ];
        let all = given.iter().chain(pairs);
        let variables =
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        SpecConfig::from_variables(&variables).map_err(|problems| problems.to_string())
    }

    #[test]
    fn it_is_read() {
        let config = read(&[]).unwrap();
        assert_eq!(
            (config.bucket.as_str(), config.priorities),
            ("specs-111122223333", Band { first: 1000, last: 1999 })
        );
        assert_eq!(read(&[(PRIORITIES, "5-5")]).unwrap().priorities, Band { first: 5, last: 5 });
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let problems = read(&[
            (BUCKET, "Specs"),
            (PRIORITIES, "9-1"),
            ("PORTKEEPER_MODE", "x"),
            ("PORTKEEPER_SPEC_BUCKE", "y"),
        ]);
        let problems = problems.unwrap_err();
        for expected in [
            "the configuration has 4 problems",
            "PORTKEEPER_MODE is `x`",
            "PORTKEEPER_SPEC_BUCKET is `Specs`",
            "PORTKEEPER_RULE_PRIORITIES is `9-1`",
            "PORTKEEPER_SPEC_BUCKE is not a variable of Portkeeper; did you mean PORTKEEPER_SPEC_BUCKET?",
        ] {
            assert!(problems.contains(expected), "`{expected}` is not in:\n{problems}");
        }
        for wrong in ["0-10", "1-50001", "5", "a-b", "1000–1999"] {
            assert!(read(&[(PRIORITIES, wrong)]).is_err(), "{wrong}");
        }
    }
}
