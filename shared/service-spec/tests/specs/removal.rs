//! `onDelete: delete`: the service drains before anything that leads to it is deleted.

use super::account::{carry_out, found};
use super::{context, good, shown};
use expect_test::expect;
use portkeeper_service_spec::identity::SpecId;
use portkeeper_service_spec::{plan, plan_removal};
use serde_json::json;
use std::fmt::Write as _;

#[test]
fn objects_are_deleted_in_order() {
    let spec = good(include_str!("../../../../specs/bridge-alb.yaml"));
    let mut account = found();
    carry_out(&mut account, &plan(&spec, &found(), &context()), usize::MAX);
    let owner = context().owner;
    let mut described = String::new();
    // This many checks; in the second the tasks still run.
    for running in [2, 1, 0, 0, 0] {
        if let Some(service) = account.service.as_mut() {
            service.shown["runningCount"] = json!(running);
        }
        let removal = plan_removal(&owner, "shop", "orders", &account);
        write!(
            described,
            "{}{}\n\n",
            shown(&removal.plan),
            removal.waits.unwrap_or_else(|| "nothing is left".to_owned())
        )
        .unwrap();
        carry_out(&mut account, &removal.plan, usize::MAX);
    }
    expect![[r#"
        delete ScalableTarget orders
        change Service orders
          desiredCount: 2 -> 0
        the service's tasks drain before it is deleted

        1 tasks drain before the service is deleted

        delete Service orders
        the service is being deleted

        delete ListenerRule shop.example.com /orders /orders/*
        delete TargetGroup shop-orders
        nothing is left

        nothing is left

    "#]]
    .assert_eq(&described);
    assert_eq!((account.groups.len(), account.listeners[0].rules.len()), (0, 1));
}

/// An object of another spec, or of no spec, stays.
#[test]
fn only_objects_of_the_spec_are_deleted() {
    let spec = good(include_str!("../../../../specs/minimal.yaml"));
    let mut account = found();
    carry_out(&mut account, &plan(&spec, &found(), &context()), usize::MAX);
    let other = SpecId { bucket: "specs".to_owned(), key: "specs/other.yaml".to_owned() };
    let removal = plan_removal(&other, "shop", "hello", &account);
    assert!(removal.plan.steps.is_empty() && removal.waits.is_none());
}
