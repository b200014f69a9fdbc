//! Executing registrations and deregistrations: refusals, lost answers, throttling, age of proofs.

use portkeeper_aws::execute::execute;
use portkeeper_core::ids::Target;
use portkeeper_core::plan::{Action, ActionKind, OutcomeResult, TargetZone, WriteOutcome};
use portkeeper_core::time::Timestamp;
use portkeeper_tests::shop::Shop;
use portkeeper_world::api::Service;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::faults::{Fault, Rule};

const REGISTER: &str = "RegisterTargets";
const DEREGISTER: &str = "DeregisterTargets";

/// Creates a group `web-tg` and an instance in its VPC.
fn account() -> (Shop, String) {
    let shop = Shop::new(0, &[]);
    let _arn = shop.alb_group("web-tg");
    let instance = shop.world().add_host(None, None);
    (shop, instance)
}

/// Returns an action on `web-tg` whose proof is valid for five seconds.
fn action(shop: &Shop, kind: ActionKind, targets: &[String]) -> Action {
    let targets = targets.iter().map(|text| Target::try_from(text.clone()).unwrap()).collect();
    let not_after = shop.aws().now().plus_secs(5);
    Action { kind, group: shop.group_arn("web-tg"), targets, zone: None, not_after }
}

fn ports(instance: &str, from: u16, count: u16) -> Vec<String> {
    (from..from + count).map(|port| format!("{instance}:{port}")).collect()
}

/// Registers by hand the targets that a test deregisters.
fn register(shop: &Shop, targets: &[String]) {
    for text in targets {
        let (id, port) = text.rsplit_once(':').unwrap();
        shop.by_hand(REGISTER, &shop.group("web-tg"), id, port.parse().unwrap());
    }
}

/// Returns `done 99, refused 1` and the first reason.
fn summary(outcomes: &[WriteOutcome]) -> (String, String) {
    let (mut done, mut refused, mut failed, mut skipped, mut first) = (0, 0, 0, 0, String::new());
    for outcome in outcomes {
        let (count, why) = match &outcome.result {
            OutcomeResult::Done => (&mut done, ""),
            OutcomeResult::Refused(why) => (&mut refused, why.as_str()),
            OutcomeResult::Failed(why) => (&mut failed, why.as_str()),
            OutcomeResult::Skipped(why) => (&mut skipped, why.as_str()),
        };
        *count += 1;
        if first.is_empty() {
            why.clone_into(&mut first);
        }
    }
    let counts = [("done", done), ("refused", refused), ("failed", failed), ("skipped", skipped)];
    let named: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    (named.join(", "), first)
}

/// Holds C-30.
#[tokio::test]
async fn one_invalid_target_among_a_hundred_is_refused_and_the_others_are_registered() {
    let (shop, instance) = account();
    let mut targets = ports(&instance, 32_768, 99);
    targets.insert(37, "i-0deadbeefdeadbeef:32768".to_owned());
    let outcomes = execute(shop.aws(), &[action(&shop, ActionKind::Register, &targets)]).await;
    let (counts, why) = summary(&outcomes);
    assert_eq!(counts, "done 99, refused 1");
    assert!(why.contains("InvalidTarget") && why.contains("i-0deadbeefdeadbeef"), "{why}");
    let refused = outcomes.iter().find(|outcome| outcome.result != OutcomeResult::Done).unwrap();
    assert_eq!(refused.target.to_string(), "i-0deadbeefdeadbeef:32768");
    assert_eq!(shop.targets("web-tg").len(), 99);
    assert!(shop.count(REGISTER) <= 15, "halving finds it: {}", shop.count(REGISTER));
}

/// Holds C-25, C-30: an address outside the VPC fails the whole call, with an error code that does
/// not name it.
#[tokio::test]
async fn one_address_outside_the_vpc_among_others_is_refused_alone() {
    let shop = Shop::new(0, &[]);
    let _arn = shop.world().make_alb_group("web-tg", TargetType::Ip).unwrap();
    let inside: Vec<String> = (10..17).map(|host| format!("10.0.0.{host}:80")).collect();
    let mut targets = inside.clone();
    targets.insert(3, "10.250.0.7:80".to_owned());
    let outcomes = execute(shop.aws(), &[action(&shop, ActionKind::Register, &targets)]).await;
    let (counts, why) = summary(&outcomes);
    assert_eq!(counts, "done 7, refused 1");
    assert!(
        why.contains("ValidationError: You must specify a valid Availability Zone or select 'all'"),
        "{why}"
    );
    assert!(why.contains("since the IP address '10.250.0.7' is outside the VPC"), "{why}");
    // AWS refuses the wrong zone as well, so naming it by mistake does no harm.
    let wrong = action(&shop, ActionKind::Register, &inside[..1]);
    let outcomes = execute(shop.aws(), &[Action { zone: Some(TargetZone::All), ..wrong }]).await;
    assert!(
        summary(&outcomes)
            .1
            .contains("is within the VPC, and cannot have its Availability Zone overridden")
    );
}

/// If every target is refused, splitting stops after a limited number of calls, and the rest are
/// reported as such.
#[tokio::test]
async fn splitting_is_limited() {
    let (shop, _) = account();
    let targets: Vec<String> =
        (0..100).map(|number| format!("i-0deadbeefdead{number:04}:80")).collect();
    // The rate limiter makes this last longer than a registration may wait.
    let not_after = shop.aws().now().plus_secs(600);
    let action = Action { not_after, ..action(&shop, ActionKind::Register, &targets) };
    let outcomes = execute(shop.aws(), &[action]).await;
    assert_eq!(outcomes.len(), 100, "every target has an outcome");
    assert_eq!(shop.count(REGISTER), 64);
    assert!(summary(&outcomes).0.contains("skipped"), "{outcomes:?}");
}

#[tokio::test]
async fn more_than_a_hundred_targets_are_several_calls() {
    let (shop, instance) = account();
    let targets = ports(&instance, 32_768, 250);
    let outcomes = execute(shop.aws(), &[action(&shop, ActionKind::Register, &targets)]).await;
    assert_eq!(summary(&outcomes).0, "done 250");
    let sizes: Vec<usize> = shop
        .inputs(REGISTER)
        .iter()
        .map(|input| input["Targets"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
    let outcomes = execute(shop.aws(), &[action(&shop, ActionKind::Deregister, &targets)]).await;
    assert_eq!(summary(&outcomes).0, "done 250");
    assert_eq!(shop.count(DEREGISTER), 3);
}

/// Holds C-24, C-31: permanent failures are refusals, with the information to fix them.
#[tokio::test]
async fn a_deleted_group_and_a_missing_permission_are_refusals() {
    let (shop, instance) = account();
    shop.fault(Rule::new(Service::Elbv2, REGISTER, Fault::AccessDenied));
    let outcomes =
        execute(shop.aws(), &[action(&shop, ActionKind::Register, &ports(&instance, 80, 1))]).await;
    let (counts, why) = summary(&outcomes);
    assert_eq!(counts, "refused 1");
    assert!(
        why.starts_with("elasticloadbalancing:RegisterTargets of ") && why.contains("was denied"),
        "{why}"
    );
    let gone = action(&shop, ActionKind::Deregister, &ports(&instance, 80, 1));
    let gone = Action {
        group: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/x/1"
            .try_into()
            .unwrap(),
        ..gone
    };
    let (counts, why) = summary(&execute(shop.aws(), &[gone]).await);
    assert_eq!(counts, "refused 1");
    assert!(why.contains("does not exist") && why.contains("TargetGroupNotFound"), "{why}");
}

/// Holds C-31.
#[tokio::test]
async fn a_throttled_registration_is_retried() {
    let (shop, instance) = account();
    shop.fault(Rule::new(Service::Elbv2, REGISTER, Fault::Throttle).times(3));
    let before = shop.world().now_ms();
    let action = action(&shop, ActionKind::Register, &ports(&instance, 80, 1));
    assert_eq!(summary(&execute(shop.aws(), std::slice::from_ref(&action)).await).0, "done 1");
    assert_eq!(shop.count(REGISTER), 4);
    assert!(shop.world().now_ms() > before, "the back-off took time");
    shop.fault(Rule::new(Service::Elbv2, REGISTER, Fault::Throttle).forever());
    let (counts, why) = summary(&execute(shop.aws(), &[action]).await);
    assert_eq!(counts, "failed 1");
    assert!(why.contains("was throttled"), "{why}");
    assert_eq!(shop.count(REGISTER), 8, "four attempts, then the queue waits");
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_retried() {
    let (shop, instance) = account();
    shop.fault(Rule::new(Service::Elbv2, REGISTER, Fault::LoseAnswer));
    let action = action(&shop, ActionKind::Register, &ports(&instance, 80, 1));
    assert_eq!(summary(&execute(shop.aws(), &[action]).await).0, "done 1");
    assert_eq!(shop.count(REGISTER), 2);
    assert_eq!(shop.targets("web-tg").len(), 1);
}

/// A second attempt could come after the proof has expired: another task may use the address by
/// then.
#[tokio::test]
async fn a_deregistration_is_sent_once_whatever_its_result() {
    let internal = Fault::fail("InternalFailure", "something broke", 500);
    let faults = [
        (Fault::Throttle, true),
        (internal, true),
        (Fault::LoseRequest, true),
        (Fault::LoseAnswer, false),
        (Fault::Delay { ms: 2500 }, false),
        (Fault::Delay { ms: 60_000 }, false),
    ];
    for (fault, is_left) in faults {
        let (shop, instance) = account();
        let targets = ports(&instance, 32_768, 1);
        register(&shop, &targets);
        shop.fault(Rule::new(Service::Elbv2, DEREGISTER, fault.clone()));
        let before = shop.world().now_ms();
        let outcomes =
            execute(shop.aws(), &[action(&shop, ActionKind::Deregister, &targets)]).await;
        assert_eq!(summary(&outcomes).0, "failed 1", "{fault:?}");
        assert!(shop.count(DEREGISTER) <= 1, "{fault:?}: {:?}", shop.calls());
        assert_eq!(shop.states("web-tg").contains(&"draining"), !is_left, "{fault:?}");
        if let Fault::Delay { ms } = fault {
            assert_eq!(shop.world().now_ms() - before, ms, "nothing was waited for after that");
        } else {
            assert_eq!(shop.world().now_ms(), before, "no pause before another attempt");
        }
    }
}

/// Holds I-AGE: a registration, with its retries, ends when the action expires.
#[tokio::test]
async fn a_registration_is_not_retried_past_its_time() {
    let (shop, instance) = account();
    let targets = ports(&instance, 32_768, 1);
    shop.fault(Rule::new(Service::Elbv2, REGISTER, Fault::Throttle).times(20));
    let begun = shop.world().now_ms();
    let mut late = action(&shop, ActionKind::Register, &targets);
    late.not_after = Timestamp::from_millis(i64::try_from(begun).unwrap() + 2_000);
    let outcomes = execute(shop.aws(), &[late]).await;
    assert_eq!(summary(&outcomes).0, "failed 1");
    assert!(shop.world().now_ms() - begun <= 2_000, "no attempt after that");
}

#[tokio::test]
async fn a_quick_deregistration_is_not_cut_off() {
    let (shop, instance) = account();
    let targets = ports(&instance, 32_768, 1);
    register(&shop, &targets);
    shop.fault(Rule::new(Service::Elbv2, DEREGISTER, Fault::Delay { ms: 1500 }));
    let outcomes = execute(shop.aws(), &[action(&shop, ActionKind::Deregister, &targets)]).await;
    assert_eq!(summary(&outcomes).0, "done 1");
}

/// Holds I-AGE.
#[tokio::test]
async fn an_expired_proof_stops_the_write() {
    let (shop, instance) = account();
    let targets = ports(&instance, 32_768, 150);
    register(&shop, &targets);
    // The first call takes longer than the proof is valid: the other calls would be too late.
    shop.fault(Rule::new(Service::Elbv2, DEREGISTER, Fault::Delay { ms: 1900 }));
    let late = Action {
        not_after: shop.aws().now().plus_secs(1),
        ..action(&shop, ActionKind::Deregister, &targets)
    };
    let (counts, why) = summary(&execute(shop.aws(), std::slice::from_ref(&late)).await);
    assert_eq!(counts, "done 100, skipped 50");
    assert!(why.contains("expired"), "{why}");
    assert_eq!(shop.count(DEREGISTER), 1);
    assert_eq!(summary(&execute(shop.aws(), &[late]).await).0, "skipped 150");
    assert_eq!(shop.count(DEREGISTER), 1);
}

/// Holds I-AGE. The task may have stopped meanwhile.
#[tokio::test]
async fn a_late_registration_is_not_made() {
    let (shop, instance) = account();
    let action = action(&shop, ActionKind::Register, &ports(&instance, 80, 1));
    shop.pass(60);
    assert_eq!(summary(&execute(shop.aws(), &[action]).await).0, "skipped 1");
}

/// Holds I-FIRST.
#[tokio::test]
async fn nothing_is_deregistered_when_a_registration_was_not_accepted() {
    for fault in [Fault::AccessDenied, Fault::fail("InvalidTarget", "no", 400), Fault::Throttle] {
        let (shop, instance) = account();
        let stale = ports(&instance, 32_768, 1);
        register(&shop, &stale);
        shop.fault(Rule::new(Service::Elbv2, REGISTER, fault).forever());
        // The order of the actions does not matter.
        let actions = [
            action(&shop, ActionKind::Deregister, &stale),
            action(&shop, ActionKind::Register, &ports(&instance, 80, 1)),
        ];
        let outcomes = execute(shop.aws(), &actions).await;
        assert_eq!(shop.count(DEREGISTER), 0);
        let of =
            |kind| outcomes.iter().find(|outcome| outcome.kind == kind).unwrap().result.clone();
        assert!(matches!(of(ActionKind::Deregister), OutcomeResult::Skipped(_)), "{outcomes:?}");
        assert!(!matches!(of(ActionKind::Register), OutcomeResult::Done), "{outcomes:?}");
    }
}
