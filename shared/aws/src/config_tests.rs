//! Configuration: text in, configuration or problems out.

use super::*;
use expect_test::{Expect, expect};

/// One `NAME=value` on each line, on top of what is required.
fn check(lines: &str, expected: &Expect) {
    let required =
        "PORTKEEPER_CHECKS_QUEUE_URL=https://sqs.eu-west-1.amazonaws.com/111122223333/checks
        PORTKEEPER_LEDGER_TABLE=ledger
        PORTKEEPER_ALERTS_TOPIC_ARN=arn:aws:sns:eu-west-1:111122223333:alerts";
    let pairs =
        required.lines().chain(lines.lines()).filter_map(|line| line.trim().split_once('='));
    let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let text = match Config::from_variables(&variables) {
        Ok(config) => format!("{config:#?}\n"),
        Err(problems) => format!("{problems}\n"),
    };
    expected.assert_eq(&text);
}

#[test]
fn required_variables_are_enough() {
    check(
        "PORTKEEPER_MODE=\nHOME=/root",
        &expect![[r#"
            Config {
                checks_queue_url: "https://sqs.eu-west-1.amazonaws.com/111122223333/checks",
                ledger_table: "ledger",
                alerts_topic_arn: "arn:aws:sns:eu-west-1:111122223333:alerts",
                policy: Policy {
                    mode: Repair,
                    settle_seconds: 90,
                    confirm_seconds: 60,
                    max_deregistrations: 5,
                    max_deregistration_percent: 10,
                    fight_repairs: 3,
                    fight_window_seconds: 600,
                    max_repairs: 5,
                    proof_seconds: 5,
                    disconnected_seconds: 900,
                    unhealthy_margin_seconds: 60,
                    below_desired_seconds: 900,
                    kill_loop_stops: 3,
                    kill_loop_seconds: 1800,
                    remind_seconds: 86400,
                    person_seconds: 1800,
                    az_all: false,
                    max_hops: 12,
                },
                api_share_percent: 25,
                https_format: Document,
                clusters: All,
                own_roles: {},
                log: Info,
            }
        "#]],
    );
}

#[test]
fn every_problem_is_reported_together() {
    check(
        "PORTKEEPER_LEDGER_TABLE=
        PORTKEEPER_ALERTS_TOPIC_ARN=arn:aws:sqs:eu-west-1:111122223333:alerts
        PORTKEEPER_MODE=Repair
        PORTKEEPER_SETTLE_SECONDS=9
        PORTKEEPER_CONFIRM_SECONDS=1m
        PORTKEEPER_MAX_DEREGISTRATION_PERCENT=101
        PORTKEEPER_CLUSTERS=shop,arn:aws:ecs:eu-west-1:111122223333:cluster/x
        PORTKEEPER_LOG=trace
        PORTKEEPER_MAX_DEREGISTRATION=5
        PORTKEEPER_COLOUR=blue",
        &expect![[r#"
            the configuration has 10 problems
            - PORTKEEPER_LEDGER_TABLE is not set; it must be the name of a DynamoDB table: 3 to 255 of letters, digits, `_`, `-`, `.`
            - PORTKEEPER_ALERTS_TOPIC_ARN is `arn:aws:sqs:eu-west-1:111122223333:alerts`; it must be the ARN of an SNS topic
            - PORTKEEPER_MODE is `Repair`; it must be repair, alert or off
            - PORTKEEPER_SETTLE_SECONDS is `9`; it must be a whole number from 10 to 900
            - PORTKEEPER_CONFIRM_SECONDS is `1m`; it must be a whole number from 10 to 900
            - PORTKEEPER_MAX_DEREGISTRATION_PERCENT is `101`; it must be a whole number from 0 to 100
            - PORTKEEPER_CLUSTERS is `shop,arn:aws:ecs:eu-west-1:111122223333:cluster/x`; it must be cluster names separated by commas, or `*` for all
            - PORTKEEPER_LOG is `trace`; it must be error, warn, info or debug
            - PORTKEEPER_COLOUR is not a variable of Portkeeper
            - PORTKEEPER_MAX_DEREGISTRATION is not a variable of Portkeeper; did you mean PORTKEEPER_MAX_DEREGISTRATIONS?
        "#]],
    );
}

#[test]
fn clusters_are_names() {
    let include = |text: &str, cluster: &str| {
        let arn =
            ClusterArn::try_from(format!("arn:aws:ecs:eu-west-1:111122223333:cluster/{cluster}"))
                .unwrap();
        parse_clusters(text).map(|clusters| clusters.include(&arn))
    };
    assert_eq!(include("*", "shop"), Some(true));
    assert_eq!(include("shop, bank", "bank"), Some(true));
    assert_eq!(include("shop", "bank"), Some(false));
    assert_eq!(include("shop,*", "bank"), None);
    assert_eq!(include(",", "bank"), None);
}

#[test]
fn documented_defaults_hold() {
    let documented: BTreeMap<String, String> = VARIABLES
        .iter()
        .filter_map(|variable| Some((variable.name.to_owned(), variable.default?.to_owned())))
        .collect();
    let mut set = documented.clone();
    let required = [
        (QUEUE, "https://sqs/1/checks"),
        (TABLE, "ledger"),
        (TOPIC, "arn:aws:sns:eu-west-1:111122223333:alerts"),
    ];
    let required: BTreeMap<String, String> =
        required.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    set.extend(required.clone());
    assert_eq!(Config::from_variables(&set), Config::from_variables(&required));
    assert!(Config::from_variables(&set).is_ok());
}
