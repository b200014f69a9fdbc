//! The dashboard: it is JSON, and shows only what is measured.

use crate::document::{find, resources, root, template, text_of};
use portkeeper_core::code::Code;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

fn body() -> Value {
    let template = template();
    let dashboards = resources(&template, "AWS::CloudWatch::Dashboard");
    let body = text_of(&dashboards["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]);
    serde_json::from_str(&body).expect("the dashboard is JSON")
}

/// The names of our own metrics, also those in a search.
fn shown(body: &Value) -> BTreeSet<String> {
    let lines = find(body, &|value| value.as_array().is_some_and(|line| line.first() == Some(&"Portkeeper".into())));
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
    let source = fs::read_to_string(root().join("shared/aws/src/metrics.rs")).expect("a source");
    let shown = shown(&body());
    for name in &shown {
        let measured = match name.strip_prefix("Finding.") {
            Some(code) => Code::ALL.iter().any(|known| known.as_str() == code),
            None => source.contains(&format!("\"{name}\"")),
        };
        assert!(measured, "{name} is not measured");
    }
    let codes = shown.iter().filter(|name| name.starts_with("Finding.")).count();
    assert_eq!(codes, Code::ALL.len(), "every code has its line");
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
