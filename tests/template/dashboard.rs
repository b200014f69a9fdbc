//! The dashboard: it is JSON, and shows only what is measured.

use crate::document::{find, resources, root, template, text_of};
use portkeeper_core::code::Code;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// Returns the dashboard's body for a stack with all optional parts, or with none.
fn body_with(optional: bool) -> Value {
    let template = template();
    let dashboards = resources(&template, "AWS::CloudWatch::Dashboard");
    let parts = &dashboards["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    let chosen = |choice: &Value| {
        let choice = &choice["Fn::If"][if optional { 1 } else { 2 }];
        text_of(choice.get("Fn::Sub").unwrap_or(choice))
    };
    let variables = parts[1].as_object().expect("variables").iter();
    let body = variables.fold(text_of(&parts[0]), |body, (name, choice)| {
        assert!(body.contains(&format!("${{{name}}}")), "{name} is not used");
        body.replace(&format!("${{{name}}}"), &chosen(choice))
    });
    serde_json::from_str(&body).expect("the dashboard is JSON")
}

fn body() -> Value {
    body_with(true)
}

/// Returns the names of Portkeeper's metrics, including those in search expressions.
fn shown(body: &Value) -> BTreeSet<String> {
    let lines = find(body, &|value| {
        value.as_array().is_some_and(|line| line.first() == Some(&"Portkeeper".into()))
    });
    let plain = lines.into_iter().map(|line| text_of(&line[1]));
    let searches = find(body, &|value| value.get("expression").is_some());
    let looked_up = searches.into_iter().map(|search| {
        let text = text_of(&search["expression"]);
        text.split('"').nth(1).expect("a name in quotes").to_owned()
    });
    plain.chain(looked_up).collect()
}

#[test]
fn it_shows_only_what_is_measured() {
    let sources = ["shared/aws/src/metrics.rs", "shared/service-spec-aws/src/metrics.rs"]
        .map(|path| fs::read_to_string(root().join(path)).expect("a source"));
    let shown = shown(&body());
    for name in &shown {
        let measured = match name.strip_prefix("Finding.") {
            Some(code) => Code::ALL.iter().any(|known| known.as_str() == code),
            None => sources.iter().any(|source| source.contains(&format!("\"{name}\""))),
        };
        assert!(measured, "{name} is not measured");
    }
    let codes = shown.iter().filter(|name| name.starts_with("Finding.")).count();
    assert_eq!(codes, Code::ALL.len(), "every code has its line");
}

#[test]
fn every_dead_letter_queue_that_is_there_has_its_line() {
    let template = template();
    let (all, few) = (body_with(true).to_string(), body_with(false).to_string());
    let queues = resources(&template, "AWS::SQS::Queue");
    let dead = queues.iter().filter(|(name, _)| {
        name.ends_with("DeadLetterQueue") || **name == "UndeliveredEventsQueue"
    });
    let mut count = 0;
    for (name, queue) in dead {
        let line = format!("${{{name}.QueueName}}");
        assert!(all.contains(&line), "{name}");
        assert_eq!(few.contains(&line), queue.get("Condition").is_none(), "{name}");
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn its_widgets_do_not_overlap() {
    let body = body();
    let mut taken = BTreeSet::new();
    for widget in body["widgets"].as_array().expect("widgets") {
        let number = |name: &str| widget[name].as_u64().expect("a number");
        for x in number("x")..number("x") + number("width") {
            for y in number("y")..number("y") + number("height") {
                assert!(x < 24 && taken.insert((x, y)), "{}", widget["properties"]["title"]);
            }
        }
    }
}
