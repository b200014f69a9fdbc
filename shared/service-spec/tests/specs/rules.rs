//! Rules next to the rules of others: overlap, shadow, priorities. Holds C-44.

use super::account::found;
use super::{context, good, lines};
use expect_test::{Expect, expect};
use portkeeper_service_spec::found::{Found, FoundRule};
use portkeeper_service_spec::plan;
use portkeeper_service_spec::rules::{Band, free_priority};
use portkeeper_service_spec::steps::Write;

const SPEC: &str = "
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions: [{name: web, image: nginx, memory: 128, portMappings: [{containerPort: 80}]}]
service: {serviceName: hello, desiredCount: 2}
loadBalancing:
  - {container: web, port: 80, listener: {loadBalancer: shop, port: 443}, host: shop.example.com, path: /api/*}
";

/// An account whose listener has these rules: priority, host, path.
fn with(rules: &[(u32, &str, &str)]) -> Found {
    let mut found = found();
    for (priority, host, path) in rules {
        let patterns = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let group =
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/old/73e2d6bc24d8a067";
        found.listeners[0].rules.push(FoundRule {
            arn: format!("rule-{priority}"),
            priority: Some(*priority),
            hosts: patterns(host),
            paths: patterns(path),
            forwards_to: [(group.to_owned(), 1)].into(),
            ..FoundRule::default()
        });
    }
    found
}

/// The problems of a rule next to these, and its priority.
fn check(rules: &[(u32, &str, &str)], spec: &str, expect: &Expect) {
    let planned = plan(&good(spec), &with(rules), &context());
    let priority =
        planned.steps.iter().flat_map(|step| &step.writes).find_map(|write| match write {
            Write::CreateRule { priority, .. } => Some(format!("{priority:?}\n")),
            _ => None,
        });
    expect.assert_eq(&format!("{}{}", lines(&planned.problems), priority.unwrap_or_default()));
}

#[test]
fn rules_that_share_nothing() {
    check(
        &[
            (1, "other.example.com", ""),
            (1001, "shop.example.com", "/web/*"),
            (7, "*.org", "/api/*"),
        ],
        SPEC,
        &expect![[r#"
            Automatic(1000)
        "#]],
    );
}

#[test]
fn a_rule_that_comes_first() {
    check(
        &[(10, "*.example.com", "")],
        SPEC,
        &expect![[r#"
            8:5 warning rule_hidden loadBalancing[0]: another rule of the listener, priority 10 (host *.example.com, to old), comes first and matches every request of this rule, which would receive none; this one has priority 1000. If that is not intended, change `priority`, host or path
            Automatic(1000)
        "#]],
    );
    check(
        &[(10, "", "/api/v?/*")],
        SPEC,
        &expect![[r#"
            8:5 warning rule_overlap loadBalancing[0]: another rule of the listener, priority 10 (path /api/v?/*, to old), comes first and matches some requests of this rule; this one has priority 1000. If that is not intended, change `priority`, host or path
            Automatic(1000)
        "#]],
    );
    check(
        &[(10, "SHOP.example.com", "/API/*")],
        SPEC,
        &expect![[r#"
        Automatic(1000)
    "#]],
    );
}

#[test]
fn a_rule_that_comes_later() {
    check(
        &[(20_000, "shop.example.com", "/api/v1/*")],
        SPEC,
        &expect![[r#"
            8:5 warning rule_hides loadBalancing[0]: another rule of the listener, priority 20000 (host shop.example.com, path /api/v1/*, to old), comes later, and this rule matches every request of it; this one has priority 1000. If that is not intended, change `priority`, host or path
            Automatic(1000)
        "#]],
    );
    check(
        &[(20_000, "*", "")],
        SPEC,
        &expect![[r#"
            8:5 warning rule_overlap loadBalancing[0]: another rule of the listener, priority 20000 (host *, to old), comes later, and this rule matches some requests of it; this one has priority 1000. If that is not intended, change `priority`, host or path
            Automatic(1000)
        "#]],
    );
}

/// `/*` is every path, as no path is, and `*`.
#[test]
fn every_path_is_every_path() {
    let by_host = SPEC.replace(", path: /api/*", "");
    for path in ["/*", "*", ""] {
        let reported = lines(&plan(&good(&by_host), &with(&[(10, "", path)]), &context()).problems);
        assert!(reported.contains("rule_hidden"), "{path}: {reported}");
    }
}

/// A rule with conditions beyond host and path does not hide another.
#[test]
fn a_rule_with_other_conditions() {
    let mut found = with(&[(10, "shop.example.com", "")]);
    found.listeners[0].rules[1].other_conditions = vec!["source-ip".to_owned()];
    expect![[r#"
        8:5 warning rule_overlap loadBalancing[0]: another rule of the listener, priority 10 (host shop.example.com, source-ip, to old), comes first and matches some requests of this rule; this one has priority 1000. If that is not intended, change `priority`, host or path
    "#]].assert_eq(&lines(&plan(&good(SPEC), &found, &context()).problems));
}

#[test]
fn priorities_are_the_lowest_free_ones() {
    check(
        &[(1000, "a", ""), (1001, "b", ""), (1003, "c", "")],
        SPEC,
        &expect![[r#"
        Automatic(1002)
    "#]],
    );
    let fixed = SPEC.replace("port: 80, listener", "port: 80, priority: 7, listener");
    check(
        &[],
        &fixed,
        &expect![[r#"
        Fixed(7)
    "#]],
    );
    check(
        &[(7, "other.example.com", "")],
        &fixed,
        &expect![[r#"
            8:42 error priority_taken loadBalancing[0].priority: another rule, priority 7 (host other.example.com, to old), has the priority 7: choose another, or omit it
        "#]],
    );
    let rules = with(&[(5, "a", ""), (6, "b", "")]).listeners.remove(0).rules;
    let band = Band { first: 5, last: 8 };
    assert_eq!(free_priority(&rules, band, None), Some(7));
    assert_eq!(free_priority(&rules, band, Some(7)), Some(8));
    assert_eq!(free_priority(&rules, band, Some(8)), None);
    assert_eq!("1000-1999".parse(), Ok(Band::default()));
    assert!(
        "9-5".parse::<Band>().is_err()
            && "0-5".parse::<Band>().is_err()
            && "1-50001".parse::<Band>().is_err()
    );
}

#[test]
fn a_full_priority_band_is_reported() {
    let mut found = found();
    let rule = |priority| FoundRule {
        arn: format!("{priority}"),
        priority: Some(priority),
        hosts: vec!["a".to_owned()],
        ..FoundRule::default()
    };
    found.listeners[0].rules.extend((1000..2000).map(rule));
    expect![[r#"
        8:5 error no_free_priority loadBalancing[0]: every priority from 1000 to 1999 is in use on this listener: set a `priority`, or configure a wider range of rule priorities
    "#]].assert_eq(&lines(&plan(&good(SPEC), &found, &context()).problems));
}
