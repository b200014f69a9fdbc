//! Reading: every page and every batch, and the gaps where a read fails. Nothing unread counts as
//! absent.

use portkeeper_aws::observe::cluster::{Limits, observe_cluster};
use portkeeper_aws::observe::{observe_service, observe_services};
use portkeeper_core::observation::{Missed, Observation, TargetGroup};
use portkeeper_tests::shop::{CLUSTER, Shop, behind};
use portkeeper_world::api::Service;
use portkeeper_world::ecs::RegisterAt;
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::scenario::ServiceSpec;
use serde_json::json;
use std::collections::BTreeSet;

/// The number of attempts that the SDK makes.
const ATTEMPTS: u32 = 4;

async fn read(shop: &Shop) -> Observation {
    observe_service(shop.aws(), &shop.check("web")).await.expect("the service is described")
}

/// `the list of tasks: ecs:ListTasks of … was throttled …`, one for each gap.
fn gaps(seen: &Observation) -> Vec<String> {
    seen.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect()
}

fn broken() -> Fault {
    Fault::fail("InternalFailure", "something broke", 500)
}

fn truncate(member: &str, keep: usize, reason: Option<&str>) -> Fault {
    Fault::Truncate { member: member.to_owned(), keep, failure_reason: reason.map(str::to_owned) }
}

/// Holds C-28.
#[tokio::test]
async fn every_page_of_tasks_is_listed_and_every_batch_described() {
    for (tasks, pages) in [(100, 1), (101, 2), (250, 3)] {
        let shop = Shop::with_web(3, tasks);
        let seen = read(&shop).await;
        assert_eq!((seen.tasks.len(), gaps(&seen)), (tasks as usize, vec![]));
        assert!(seen.tasks_are_whole());
        assert_eq!(shop.count("ListTasks"), pages + 1, "one page of stopped ones");
        assert_eq!(shop.count("DescribeTasks"), pages);
        assert!(
            shop.inputs("DescribeTasks").iter().all(|input| input["tasks"]
                .as_array()
                .unwrap()
                .len()
                <= 100)
        );
        assert_eq!(
            shop.inputs("ListTasks")[pages]["desiredStatus"],
            "STOPPED",
            "RUNNING is listed to its end first"
        );
    }
}

/// If reading all tasks of a cluster takes more calls than allowed, only the tasks of the services
/// are listed, and services beyond the limit are left out, but never all.
#[tokio::test]
async fn a_cluster_with_too_many_tasks_is_read_service_by_service() {
    let shop = Shop::new(4, &[]);
    shop.make(&ServiceSpec::new(CLUSTER, "batch").container("app", &[8080]).desired(350));
    for name in ["s1", "s2", "s3", "s4", "s5"] {
        let group = shop.alb_group(&format!("{name}-tg"));
        shop.make(&behind(name, &group).desired(1));
    }
    shop.pass(100);
    let names: BTreeSet<String> =
        ["batch", "s1", "s2", "s3", "s4", "s5"].into_iter().map(str::to_owned).collect();
    // All tasks of the cluster are 9 calls: 4 pages, one for stopped tasks, and 4 descriptions.
    for (task_calls, read, lists, whole) in [
        (usize::MAX, 6, 5, true),
        (9, 6, 5, true),
        (8, 4, 6, false),
        (6, 3, 4, false),
        (3, 2, 2, false),
        (0, 1, 0, false),
    ] {
        shop.world().calls.clear();
        let limits = Limits { task_calls, ..Limits::NONE };
        let cluster = shop.key("web").cluster;
        let reading = observe_cluster(shop.aws(), &cluster, &names, limits, &|_| {}).await;
        assert_eq!(
            (reading.services.len(), shop.count("ListTasks")),
            (read, lists),
            "{task_calls}"
        );
        assert_eq!(reading.cluster_tasks.is_whole(), whole, "{task_calls}");
        for seen in reading.services.values().flatten().filter(|it| it.key.service != "batch") {
            assert_eq!((gaps(seen), seen.tasks_are_whole()), (vec![], true), "{}", seen.key);
        }
    }
}

/// Holds C-28.
#[tokio::test]
async fn every_page_of_stopped_tasks_is_listed() {
    let shop = Shop::with_web(3, 120);
    shop.update("web", json!({"desiredCount": 5}));
    shop.pass(120);
    let seen = read(&shop).await;
    assert_eq!(seen.tasks.iter().filter(|task| task.last_status.is_over()).count(), 115);
    assert_eq!((shop.count("ListTasks"), gaps(&seen)), (3, vec![]));
}

/// Holds C-28.
#[tokio::test]
async fn a_hundred_and_one_container_instances_are_two_batches_and_are_remembered() {
    let shop = Shop::with_web(101, 101);
    let seen = read(&shop).await;
    assert_eq!((seen.container_instances.len(), gaps(&seen)), (101, vec![]));
    let sizes: Vec<usize> = shop
        .inputs("DescribeContainerInstances")
        .iter()
        .map(|input| input["containerInstances"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [100, 1]);
    assert_eq!(read(&shop).await.container_instances.len(), 101);
    assert_eq!(shop.count("DescribeContainerInstances"), 2, "known now");
}

/// Holds C-28.
#[tokio::test]
async fn eleven_services_are_two_calls_and_answers_keep_their_order() {
    let shop = Shop::with_web(1, 1);
    let names: Vec<String> =
        (0..10).map(|number| format!("s{number}")).chain(["web".to_owned()]).collect();
    for name in &names[..10] {
        shop.make(&behind(name, &shop.group("web-tg")));
    }
    let checks: Vec<_> = names.iter().map(|name| shop.check(name)).collect();
    let read = observe_services(shop.aws(), &checks).await;
    assert_eq!(shop.count("DescribeServices"), 2);
    for (name, seen) in names.iter().zip(read) {
        let seen = seen.unwrap();
        assert!(seen.key.service == *name && seen.service.is_some(), "{name}: {seen:?}");
    }
}

/// Holds I-PARTIAL, C-29.
#[tokio::test]
async fn a_page_or_batch_that_fails_is_a_gap_and_the_rest_is_read() {
    let (running, stopped) =
        ("RUNNING tasks of shop/web failed", "STOPPED tasks of shop/web failed");
    let cases = [
        ("ListTasks", 1, (100, 100), format!("the list of tasks: ecs:ListTasks of {running}")),
        ("ListTasks", 2, (101, 101), format!("the list of tasks: ecs:ListTasks of {stopped}")),
        (
            "DescribeTasks",
            1,
            (100, 100),
            "the list of tasks: ecs:DescribeTasks of 1 tasks of shop failed".to_owned(),
        ),
        ("DescribeContainerInstances", 1, (101, 100), "container instance ".to_owned()),
    ];
    for (operation, skip, read_still, why) in cases {
        let shop = Shop::with_web(101, 101);
        shop.fault(Rule::new(Service::Ecs, operation, broken()).skip(skip).times(ATTEMPTS));
        let seen = read(&shop).await;
        assert_eq!((seen.tasks.len(), seen.container_instances.len()), read_still, "{operation}");
        let [gap] = &gaps(&seen)[..] else { panic!("{operation}: {:?}", seen.gaps) };
        assert!(gap.starts_with(&why) && gap.contains("something broke"), "{gap}");
        assert!(seen.gaps[0].retry, "it may be readable later");
        assert_eq!(seen.tasks_are_whole(), operation == "DescribeContainerInstances");
    }
}

/// Holds I-PARTIAL, C-29.
#[tokio::test]
async fn what_an_answer_lacks_is_a_gap_whether_or_not_it_says_so() {
    for (reason, why) in [
        (Some("MISSING"), "MISSING for task"),
        (Some("THROTTLED"), "THROTTLED for "),
        (None, "did not answer for task"),
    ] {
        let shop = Shop::with_web(2, 3);
        shop.fault(Rule::new(Service::Ecs, "DescribeTasks", truncate("tasks", 2, reason)));
        let seen = read(&shop).await;
        assert_eq!((seen.tasks.len(), seen.gaps.len()), (2, 1), "{:?}", seen.gaps);
        assert!(
            matches!(seen.gaps[0].what, Missed::Task(_)) && seen.gaps[0].why.contains(why),
            "{:?}",
            seen.gaps
        );
        assert!(!seen.tasks_are_whole());
        assert!(seen.gone_tasks.is_empty(), "not asked for by name, so not gone");

        let shop = Shop::with_web(2, 3);
        shop.fault(Rule::new(
            Service::Ecs,
            "DescribeContainerInstances",
            truncate("containerInstances", 1, reason),
        ));
        let seen = read(&shop).await;
        assert_eq!((seen.tasks.len(), seen.gaps.len()), (3, 1), "{:?}", seen.gaps);
        assert!(matches!(seen.gaps[0].what, Missed::ContainerInstance(_)), "{:?}", seen.gaps);
    }
    let shop = Shop::with_web(2, 3);
    shop.fault(Rule::new(
        Service::Elbv2,
        "DescribeTargetGroups",
        truncate("TargetGroups", 0, None),
    ));
    let seen = read(&shop).await;
    assert!(matches!(seen.gaps[0].what, Missed::TargetGroup(_)), "{:?}", seen.gaps);
    assert!(seen.target_groups.is_empty(), "an unread group is not an empty one");
}

/// Holds C-29, C-35: only ECS's own word that there is no such service counts as its absence.
#[tokio::test]
async fn a_service_is_absent_only_when_ecs_says_so() {
    let shop = Shop::new(1, &[]);
    let seen = read(&shop).await;
    assert!(seen.service.is_none() && seen.gaps.is_empty(), "MISSING: {seen:?}");
    for reason in [Some("THROTTLED"), None] {
        let shop = Shop::with_web(1, 1);
        shop.fault(Rule::new(Service::Ecs, "DescribeServices", truncate("services", 0, reason)));
        let seen = read(&shop).await;
        assert!(seen.service.is_none(), "{seen:?}");
        assert_eq!((seen.gaps[0].what.clone(), seen.gaps[0].retry), (Missed::Service, true));
    }
    let shop = Shop::with_web(1, 1);
    shop.fault(Rule::new(
        Service::Ecs,
        "DescribeServices",
        Fault::fail("ClusterNotFoundException", "gone", 400),
    ));
    let seen = read(&shop).await;
    assert!(
        seen.service.is_none() && seen.gaps.is_empty(),
        "a cluster that is gone has no services: {seen:?}"
    );
}

/// If one service makes ECS refuse the whole call, the nine others are read anyway.
#[tokio::test]
async fn a_refused_batch_of_services_is_described_one_by_one() {
    let shop = Shop::with_web(1, 1);
    shop.make(&behind("api", &shop.group("web-tg")));
    shop.fault(
        Rule::new(Service::Ecs, "DescribeServices", Fault::AccessDenied).containing("api").times(2),
    );
    let read = observe_services(shop.aws(), &[shop.check("api"), shop.check("web")]).await;
    assert!(
        read[0].as_ref().unwrap_err().to_string().contains("ecs:DescribeServices of api"),
        "{read:?}"
    );
    assert!(read[1].as_ref().is_ok_and(|seen| seen.service.is_some()), "{read:?}");
}

/// Holds C-31: every call of a check names the permission that is missing.
#[tokio::test]
async fn a_denied_call_names_the_action() {
    let reads = [
        (Service::Ecs, "ListTasks", "ecs:ListTasks"),
        (Service::Ecs, "DescribeTasks", "ecs:DescribeTasks"),
        (Service::Ecs, "DescribeContainerInstances", "ecs:DescribeContainerInstances"),
        (Service::Elbv2, "DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"),
        (Service::Elbv2, "DescribeTargetHealth", "elasticloadbalancing:DescribeTargetHealth"),
    ];
    for (service, operation, action) in reads {
        let shop = Shop::with_web(1, 1);
        shop.fault(Rule::new(service, operation, Fault::AccessDenied).forever());
        let seen = read(&shop).await;
        let [gap, ..] = &gaps(&seen)[..] else { panic!("{operation}: no gap") };
        assert!(gap.contains(action) && gap.contains("the role needs this IAM action"), "{gap}");
    }
    let shop = Shop::with_web(1, 1);
    shop.fault(Rule::new(Service::Ecs, "DescribeServices", Fault::AccessDenied).forever());
    let failure = observe_service(shop.aws(), &shop.check("web")).await.unwrap_err();
    assert!(
        failure.to_string().starts_with("ecs:DescribeServices of web in cluster shop was denied"),
        "{failure}"
    );
    assert_eq!(shop.count("DescribeServices"), 1, "what is denied is not tried again");
}

/// Holds C-31.
#[tokio::test]
async fn throttled_calls_are_retried_a_limited_number_of_times() {
    let reads = [
        (Service::Ecs, "ListTasks"),
        (Service::Ecs, "DescribeTasks"),
        (Service::Ecs, "DescribeContainerInstances"),
        (Service::Elbv2, "DescribeTargetGroups"),
        (Service::Elbv2, "DescribeTargetHealth"),
    ];
    for (service, operation) in reads {
        let shop = Shop::with_web(1, 1);
        let rule = Rule::new(service, operation, Fault::Throttle);
        let before = shop.world().now_ms();
        shop.fault(rule.clone().times(ATTEMPTS - 1));
        let seen = read(&shop).await;
        assert_eq!((seen.tasks.len(), gaps(&seen)), (1, vec![]), "{operation}");
        assert!(shop.world().now_ms() > before, "{operation}: the pauses took the account's time");

        let shop = Shop::with_web(1, 1);
        shop.fault(rule.forever());
        let seen = read(&shop).await;
        assert!(gaps(&seen)[0].contains("was throttled"), "{operation}: {:?}", seen.gaps);
        assert!(seen.gaps[0].retry);
        assert!(
            shop.count(operation) <= 2 * ATTEMPTS as usize,
            "{operation} {}",
            shop.count(operation)
        );
    }
    let shop = Shop::with_web(1, 1);
    shop.fault(Rule::new(Service::Ecs, "DescribeServices", Fault::Throttle).forever());
    assert!(
        observe_service(shop.aws(), &shop.check("web"))
            .await
            .unwrap_err()
            .to_string()
            .ends_with("was throttled")
    );
    assert_eq!(shop.count("DescribeServices"), ATTEMPTS as usize);
}

/// A call without an answer ends after the time-outs, in the account's time.
#[tokio::test]
async fn a_call_without_an_answer_times_out() {
    let shop = Shop::with_web(1, 1);
    let before = shop.world().now_ms();
    shop.fault(Rule::new(Service::Ecs, "DescribeTasks", Fault::Delay { ms: 60_000 }).forever());
    let seen = read(&shop).await;
    assert!(gaps(&seen)[0].contains("no valid response from AWS"), "{:?}", seen.gaps);
    assert!(
        shop.world().now_ms() - before <= 2 * 60_000,
        "no further attempt after the operation's time-out"
    );
}

/// Holds C-24: a deleted group is read as missing, whether or not it was cached.
#[tokio::test]
async fn a_deleted_group_is_missing() {
    let shop = Shop::with_web(1, 1);
    let arn = shop.group_arn("web-tg");
    assert!(matches!(read(&shop).await.target_groups[&arn], TargetGroup::Found(_)));
    shop.delete_group("web-tg");
    for operation in ["DescribeTargetHealth", "DescribeTargetGroups"] {
        shop.world().calls.clear();
        let seen = read(&shop).await;
        assert_eq!((&seen.target_groups[&arn], gaps(&seen)), (&TargetGroup::Missing, vec![]));
        assert_eq!(shop.count(operation), 1, "it is forgotten once it was seen missing");
    }
}

/// ELBv2 refuses to describe all groups of a call if one of them does not exist.
#[tokio::test]
async fn one_missing_group_does_not_hide_the_others() {
    let shop = Shop::new(1, &[]);
    let mut spec = behind("web", &shop.alb_group("a-tg"));
    for name in ["b-tg", "c-tg"] {
        spec = spec.behind(&shop.alb_group(name), "app", 8080);
    }
    shop.make(&spec);
    shop.world().ecs.timing.register_at = RegisterAt::AfterRunning(1);
    shop.pass(30);
    let arns = ["a-tg", "b-tg", "c-tg"].map(|name| shop.group_arn(name));
    shop.delete_group("b-tg");
    let seen = read(&shop).await;
    let found = arns.map(|arn| matches!(seen.target_groups[&arn], TargetGroup::Found(_)));
    assert_eq!((found, gaps(&seen)), ([true, false, true], vec![]));
    assert_eq!((shop.count("DescribeTargetGroups"), shop.count("DescribeTargetHealth")), (4, 2));
}
