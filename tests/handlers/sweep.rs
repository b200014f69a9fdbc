//! The sweep finds faults without an event, costs nothing for services in order, and changes
//! nothing.

use portkeeper_tests::shop::{CLUSTER, Shop, behind};
use portkeeper_world::api::Service;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::truth;
use serde_json::{Value, json};

/// Creates this many stable bridge services of two tasks, each with its own group and a ledger
/// record.
async fn quiet_services(count: usize, settings: &[(&str, &str)]) -> Shop {
    let mut shop = Shop::new(4, settings);
    for number in 0..count {
        let group = shop.alb_group(&format!("tg-{number:03}"));
        shop.make(&behind(&format!("s{number:03}"), &group).desired(2));
    }
    shop.run(400).await;
    shop.world().calls.clear();
    shop
}

/// Returns the services whose checks the sweep requested, from its messages.
fn asked(shop: &Shop) -> Vec<String> {
    let bodies = shop.inputs("SendMessage");
    let names = bodies.iter().flat_map(|input| {
        let body: Value = serde_json::from_str(input["MessageBody"].as_str().unwrap()).unwrap();
        let names = body["portkeeper"]["services"].as_array().unwrap().clone();
        names.into_iter().map(|name| name.as_str().unwrap().to_owned())
    });
    names.collect()
}

/// Holds I-COST, I-SWEEP, C-37: nothing is written, not even to the ledger.
#[tokio::test]
async fn an_account_without_findings_is_only_read() {
    let mut shop = quiet_services(12, &[]).await;
    let report = shop.stage.sweep().await.unwrap();
    assert!(report.is_round_over, "{report:#?}");
    let seen = &report.clusters[CLUSTER];
    assert_eq!((seen.services, seen.target_groups, seen.targets, seen.tasks), (12, 12, 24, 24));
    assert_eq!(
        (seen.suspects.len(), seen.findings.len(), seen.unread.len()),
        (0, 0, 0),
        "{seen:#?}"
    );
    for written in ["SendMessage", "PutItem", "Publish", "RegisterTargets", "DeregisterTargets"] {
        assert_eq!(shop.count(written), 0, "{written}");
    }
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
}

/// Holds I-SWEEP, C-20, when every event is lost: targets are healthy, and only a check of the
/// other service's group shows the fault.
#[tokio::test]
async fn a_hijack_without_an_event_is_found() {
    let mut shop = Shop::settled_web(3, 3).await;
    let before = shop.wanted("web");
    shop.world().keep_targets("shop/web", 1);
    shop.world().eventbridge.drop_next(u32::MAX);
    shop.update("web", json!({"desiredCount": 2}));
    shop.pass(20);
    let after = shop.wanted("web");
    let target = before.into_iter().find(|target| !after.contains(target)).unwrap();
    let (id, port) = target.split_once(' ').unwrap().1.rsplit_once(':').unwrap();
    shop.world().restart_agent(id).unwrap();
    let api = shop.alb_group("api-tg");
    shop.make(&behind("api", &api).desired(3));
    shop.run(200).await;
    assert_eq!(truth::answering(&shop.world(), id, port.parse().unwrap()).unwrap().service, "api");
    assert_eq!(shop.states("web-tg"), ["healthy"; 3], "green, with the wrong program");
    assert_eq!(shop.alerts(), [""; 0], "no check has found it");

    let report = shop.stage.sweep().await.unwrap();
    let suspects: Vec<&String> = report.clusters[CLUSTER].suspects.keys().collect();
    assert!(suspects.contains(&&"web".to_owned()), "{report:#?}");
    assert_eq!(shop.writes(), [""; 0], "the sweep itself changes nothing");
    shop.run(400).await;
    assert_eq!(shop.writes(), [format!("deregister {target}")]);
    assert_eq!(shop.alerts(), ["critical hijacked opened", "critical hijacked resolved"]);
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(report.clusters[CLUSTER].suspects.len(), 0, "{report:#?}");
}

/// A reported finding without a repair does not cause a check in each sweep.
#[tokio::test]
async fn a_known_foreign_target_costs_no_check() {
    let mut shop = quiet_services(3, &[]).await;
    let host = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &shop.group("tg-001"), &host, 80);
    shop.stage.sweep().await.unwrap();
    assert_eq!(asked(&shop), ["s001"]);
    shop.run(300).await;
    assert_eq!(shop.alerts(), ["warning foreign opened"]);
    shop.world().calls.clear();
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(asked(&shop), [""; 0], "{report:#?}");
    assert_eq!(report.clusters[CLUSTER].findings["foreign"], 1, "and it is still counted");
}

/// Two services in one group explain each other's targets: the sweep reads the tasks of the whole
/// cluster.
#[tokio::test]
async fn a_group_that_two_services_share_has_no_findings() {
    let mut shop = Shop::settled_web(2, 2).await;
    let group = shop.group("web-tg");
    shop.make(&behind("api", &group).desired(2));
    shop.settle().await;
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(report.clusters[CLUSTER].suspects, std::collections::BTreeMap::new());
    assert_eq!(shop.count("DescribeTargetHealth"), 1, "a shared group is read once");
}

/// Holds I-SWEEP. The sweep reads a large cluster in parts, and does not describe the services of
/// another part: whether a target there belongs to its task must be asked.
#[tokio::test]
async fn a_target_that_leads_to_a_service_of_another_part_of_the_cluster_is_found() {
    let mut shop = Shop::settled_web(3, 2).await;
    for number in 0..500 {
        let name = format!("s{number:03}");
        shop.make(&ServiceSpec::new(CLUSTER, &name).container("app", &[8080]).desired(0));
    }
    let billing = shop.alb_group("billing-tg");
    shop.make(&behind("billing", &billing).desired(1));
    shop.watch(&["billing", "web"], 300).await;
    let (id, port, _) = shop.targets("billing-tg").remove(0);
    shop.world().calls.clear();
    shop.stage.sweep().await.unwrap();
    assert!(!asked(&shop).contains(&"web".to_owned()), "it is in order");

    shop.world().eventbridge.drop_next(u32::MAX);
    shop.by_hand("RegisterTargets", &shop.group("web-tg"), &id, port);
    shop.pass(120);
    shop.world().calls.clear();
    shop.stage.sweep().await.unwrap();
    assert!(asked(&shop).contains(&"web".to_owned()), "{:?}", asked(&shop));
    shop.run(300).await;
    assert_eq!(shop.alerts(), ["warning foreign opened"]);
    assert_eq!(shop.writes(), [""; 0]);
}

/// Differences of new tasks are within the settle time, and a large cluster is not read at one
/// moment.
#[tokio::test]
async fn a_deployment_under_way_is_left_to_ecs_and_to_its_events() {
    let mut shop = quiet_services(2, &[]).await;
    shop.world().eventbridge.drop_next(u32::MAX);
    shop.world().lose_registrations("shop/s000", 1);
    shop.update("s000", json!({"desiredCount": 3}));
    shop.pass(30);
    shop.stage.sweep().await.unwrap();
    let findings = shop.stage.sweep().await.unwrap().clusters[CLUSTER].findings.clone();
    assert_eq!(shop.writes(), [""; 0]);
    shop.pass(120);
    shop.world().calls.clear();
    shop.stage.sweep().await.unwrap();
    assert!(asked(&shop).contains(&"s000".to_owned()), "later it is missing: {findings:?}");
    shop.run(300).await;
    assert_eq!(shop.alerts(), ["error missing opened", "error missing resolved"]);
}

/// Holds C-31: after throttling the next run resumes where this one stopped.
#[tokio::test]
async fn a_throttled_sweep_yields_and_resumes() {
    let mut shop = quiet_services(5, &[]).await;
    shop.stage.cold_start();
    shop.fault(Rule::new(Service::Elbv2, "DescribeTargetHealth", Fault::Throttle).forever());
    let report = shop.stage.sweep().await.unwrap();
    assert!(!report.is_round_over);
    assert!(report.clusters[CLUSTER].failures[0].contains("throttles"), "{report:#?}");
    assert_eq!(asked(&shop), [""; 0], "checks would be throttled, too");
    shop.world().faults.clear();
    let report = shop.stage.sweep().await.unwrap();
    assert!(report.is_round_over);
    assert_eq!(report.clusters[CLUSTER].services, 5);
    assert_eq!(shop.alerts(), [""; 0]);
}

fn unavailable(service: Service, operation: &str) -> Rule {
    Rule::new(service, operation, Fault::fail("ServiceUnavailable", "no", 503)).forever()
}

/// An outage that is not throttling fills no queue, whichever read fails, and sets the alarm's
/// metric.
#[tokio::test]
async fn an_outage_requests_no_checks_and_is_reported() {
    let reads = [
        (Service::Elbv2, "DescribeTargetHealth"),
        (Service::Elbv2, "DescribeTargetGroups"),
        (Service::Ecs, "DescribeServices"),
        (Service::Ecs, "ListTasks"),
        (Service::Ecs, "DescribeTasks"),
        (Service::Ecs, "DescribeContainerInstances"),
    ];
    let mut shop = quiet_services(24, &[]).await;
    for (service, operation) in reads {
        shop.stage.cold_start();
        for fault in [
            unavailable(service, operation),
            Rule::new(service, operation, Fault::AccessDenied).forever(),
        ] {
            shop.fault(fault);
            let report = shop.stage.sweep().await.unwrap();
            let seen = &report.clusters[CLUSTER];
            assert_eq!(asked(&shop), [""; 0], "{operation}: {report:#?}");
            assert_eq!((seen.failures.len(), report.unread()), (1, 24), "{operation}: {report:#?}");
            assert!(seen.failures[0].contains(operation), "{:?}", seen.failures);
            assert!(report.is_round_over, "{operation}");
            shop.world().faults.clear();
        }
    }
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!((report.unread(), report.clusters[CLUSTER].services), (0, 24));
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
}

/// What can be read during an outage is judged as usual; a few unreadable services get their checks.
#[tokio::test]
async fn an_outage_of_some_groups_hides_no_other_service() {
    let mut shop = quiet_services(24, &[]).await;
    let host = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &shop.group("tg-023"), &host, 80);
    let broken = |number: usize| {
        unavailable(Service::Elbv2, "DescribeTargetHealth").containing(&format!("tg-{number:03}"))
    };
    for number in 0..6 {
        shop.fault(broken(number));
    }
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(asked(&shop), ["s023"], "{report:#?}");
    assert_eq!((report.unread(), report.clusters[CLUSTER].services), (6, 18));
    shop.world().faults.clear();
    shop.world().calls.clear();
    shop.fault(broken(0));
    shop.stage.sweep().await.unwrap();
    assert_eq!(asked(&shop), ["s000", "s023"], "one service alone is no outage");
}

/// A run over many small clusters sees the outage as well.
#[tokio::test]
async fn an_outage_over_many_small_clusters_requests_one_check() {
    let mut shop = Shop::new(0, &[]);
    for number in 0..12 {
        let cluster = format!("c{number:02}");
        shop.world().make_cluster(&cluster).unwrap();
        shop.world().make_instances(&cluster, 1).unwrap();
        let group = shop.alb_group(&format!("tg-{number:02}"));
        let web = ServiceSpec::new(&cluster, "web").container("app", &[8080]);
        shop.make(&web.behind(&group, "app", 8080).desired(1));
    }
    shop.settle().await;
    shop.fault(unavailable(Service::Elbv2, "DescribeTargetHealth"));
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!((asked(&shop).len(), report.unread()), (1, 11), "{report:#?}");
}

/// Holds C-31: a throttled call costs its services another read, and no other service anything.
#[tokio::test]
async fn a_round_ends_while_each_tenth_call_is_throttled() {
    let mut shop = quiet_services(60, &[]).await;
    // Four attempts of each tenth call: the SDK gives up.
    for number in 1..200 {
        shop.fault(
            Rule::new(Service::Elbv2, "DescribeTargetHealth", Fault::Throttle)
                .skip(number * 9)
                .times(4),
        );
    }
    shop.fault(Rule::new(Service::Ecs, "DescribeServices", Fault::Throttle).skip(3).times(4));
    let mut judged = 0;
    for run in 1.. {
        assert!(run <= 3, "the round ends");
        let report = shop.stage.sweep().await.unwrap();
        judged += report.clusters[CLUSTER].services;
        assert_eq!(asked(&shop), [""; 0], "{report:#?}");
        if report.is_round_over {
            assert_eq!(report.unread(), 0, "{report:#?}");
            break;
        }
    }
    assert_eq!(judged, 60, "every service is judged, each once");
    assert!(shop.count("DescribeTargetHealth") < 60 + 40 + 20, "and few are read again");
}

/// Holds C-31: one throttled page of tasks would leave every service of the cluster unread.
#[tokio::test]
async fn a_round_ends_while_each_tenth_call_of_ecs_is_throttled() {
    let mut shop = quiet_services(60, &[]).await;
    for number in 1..100 {
        shop.fault(Rule::service(Service::Ecs, Fault::Throttle).skip(number * 9).times(4));
    }
    let mut judged = 0;
    for run in 1.. {
        assert!(run <= 3, "the round ends");
        shop.stage.cold_start();
        let report = shop.stage.sweep().await.unwrap();
        judged += report.clusters.get(CLUSTER).map_or(0, |seen| seen.services);
        assert_eq!(asked(&shop), [""; 0], "{report:#?}");
        if report.is_round_over {
            assert_eq!(report.unread(), 0, "{report:#?}");
            break;
        }
    }
    assert_eq!(judged, 60, "every service is judged, each once");
}

/// A read that AWS always throttles keeps neither the other services nor the other clusters from
/// being read.
#[tokio::test]
async fn a_service_that_is_always_throttled_does_not_stop_the_round() {
    let mut shop = quiet_services(12, &[]).await;
    shop.world().make_cluster("zoo").unwrap();
    shop.world().make_instances("zoo", 1).unwrap();
    let group = shop.alb_group("zoo-tg");
    let web = ServiceSpec::new("zoo", "web").container("app", &[8080]);
    shop.make(&web.behind(&group, "app", 8080).desired(1));
    shop.settle().await;
    shop.fault(
        Rule::new(Service::Elbv2, "DescribeTargetHealth", Fault::Throttle)
            .containing("tg-003")
            .forever(),
    );
    let (mut judged, mut unread) = (0, Vec::new());
    for run in 1.. {
        assert!(run <= 4, "the round ends");
        let report = shop.stage.sweep().await.unwrap();
        judged += report.clusters.values().map(|seen| seen.services).sum::<usize>();
        unread.push(report.unread());
        if report.is_round_over {
            break;
        }
    }
    assert_eq!(judged, 12, "all but one, in both clusters: {unread:?}");
    assert_eq!(asked(&shop), [""; 0]);
}

/// A round over a large account takes several runs and reads each service once.
#[tokio::test]
async fn a_round_that_does_not_fit_into_one_run_resumes_in_the_next() {
    // One percent of ten reads a second: some twenty groups in the time of a run.
    let mut shop = quiet_services(60, &[("PORTKEEPER_API_SHARE_PERCENT", "1")]).await;
    let mut seen = Vec::new();
    for run in 1.. {
        assert!(run < 10, "a round ends");
        shop.stage.cold_start();
        let report = shop.stage.sweep().await.unwrap();
        let took = report.ended.secs_since(report.began);
        assert!(took <= 290, "it keeps within its time: {took} s");
        seen.extend(report.clusters.get(CLUSTER).map(|cluster| cluster.services));
        if report.is_round_over {
            break;
        }
    }
    assert!(seen.len() > 1, "{seen:?}");
    assert_eq!(seen.iter().sum::<usize>(), 60, "{seen:?}");
    assert_eq!(shop.count("DescribeTargetHealth"), 60);
}

/// A configured cluster that does not exist is reported, and the others are swept.
#[tokio::test]
async fn a_cluster_that_does_not_exist_is_named() {
    let mut shop = quiet_services(1, &[("PORTKEEPER_CLUSTERS", "shop,shopp")]).await;
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(report.clusters[CLUSTER].services, 1);
    assert!(report.unread["shopp"].contains("cluster `shopp` not found"), "{report:#?}");
}

/// Holds C-29: one cluster of several cannot be read; the missing permission is named.
#[tokio::test]
async fn one_unreadable_cluster_of_several_is_named_and_the_others_are_swept() {
    let mut shop = quiet_services(1, &[]).await;
    shop.world().make_cluster("bank").unwrap();
    shop.fault(Rule::new(Service::Ecs, "ListServices", Fault::AccessDenied).times(1));
    let report = shop.stage.sweep().await.unwrap();
    assert!(report.unread["bank"].contains("ecs:ListServices"), "{report:#?}");
    assert!(report.unread["bank"].contains("denied"), "{report:#?}");
    assert_eq!(report.clusters[CLUSTER].services, 1);
}

/// Holds C-28, C-29: a missing page never counts as the end of the list.
#[tokio::test]
async fn a_list_that_breaks_off_finds_nothing() {
    let mut shop = Shop::new(4, &[]);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group).desired(101));
    shop.run(600).await;
    shop.world().calls.clear();
    let second =
        Rule::new(Service::Ecs, "ListTasks", Fault::fail("ServerException", "no", 500)).times(4);
    shop.fault(second);
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(report.clusters[CLUSTER].suspects.len(), 1, "{report:#?}");
    shop.run(600).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
}

/// Services without load balancers, of other kinds, and without tasks cost only their description.
#[tokio::test]
async fn services_out_of_scope_cost_one_description() {
    let mut shop = Shop::new(2, &[]);
    for name in ["a", "b", "c"] {
        shop.make(&ServiceSpec::new(CLUSTER, name).container("app", &[8080]));
    }
    let group = shop.alb_group("idle-tg");
    shop.make(&behind("idle", &group).desired(0));
    shop.run(300).await;
    shop.world().calls.clear();
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(report.clusters[CLUSTER].suspects.len(), 0, "{report:#?}");
    assert_eq!(shop.count("DescribeServices"), 1);
    assert_eq!(shop.count("DescribeTargetHealth"), 1, "only the one that has a group");
}

/// Awsvpc tasks and a shared group of type `ip`: addresses are indexed as well.
#[tokio::test]
async fn addresses_are_known_across_services() {
    let mut shop = Shop::new(0, &[]);
    let group = shop.world().make_alb_group("web-tg", TargetType::Ip).unwrap();
    let fargate = |name: &str| {
        ServiceSpec::new(CLUSTER, name).fargate().container("app", &[80]).behind(&group, "app", 80)
    };
    shop.make(&fargate("web").desired(2));
    shop.make(&fargate("api").desired(2));
    shop.settle().await;
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(report.clusters[CLUSTER].suspects, std::collections::BTreeMap::new());
    assert_eq!(report.clusters[CLUSTER].targets, 4);
}

/// The maximum number of services in a cluster: every page is read, in parts.
#[tokio::test]
async fn five_thousand_services_are_all_swept() {
    let mut shop = Shop::new(1, &[]);
    for number in 0..5000 {
        shop.make(
            &ServiceSpec::new(CLUSTER, &format!("s{number}")).container("app", &[8080]).desired(0),
        );
    }
    let report = shop.stage.sweep().await.unwrap();
    assert!(report.is_round_over, "{:?}", report.unread);
    assert_eq!(report.clusters[CLUSTER].services, 5000);
    assert_eq!((shop.count("ListServices"), shop.count("DescribeServices")), (50, 500));
    assert_eq!(report.clusters[CLUSTER].suspects.len(), 0);
}

/// The maximum number of targets in a group.
#[tokio::test]
async fn a_group_of_a_thousand_targets_is_read_whole() {
    let mut shop = Shop::settled_web(2, 2).await;
    let host = shop.world().add_host(None, None);
    let group = shop.group("web-tg");
    for first in (0..998).step_by(100) {
        let targets: Vec<Value> = (first..998.min(first + 100))
            .map(|number| json!({"Id": host, "Port": 10_000 + number}))
            .collect();
        shop.elb("RegisterTargets", &json!({"TargetGroupArn": group, "Targets": targets}));
    }
    let report = shop.stage.sweep().await.unwrap();
    assert_eq!(report.clusters[CLUSTER].targets, 1000);
    assert_eq!(asked(&shop), ["web"]);
    shop.run(300).await;
    assert_eq!(shop.writes(), [""; 0]);
    assert_eq!(shop.alerts(), ["warning foreign opened", "error limit_exceeded opened"]);
    let record = shop.record("web");
    assert!(record["incidents"].as_array().unwrap().len() <= 301, "the record stays small");
}

/// Holds C-28. A list of tasks that has more than 100 pages, like that of a cluster with 10,001
/// tasks: no service is suspect because of the size of its cluster.
#[tokio::test]
async fn a_hundred_and_twenty_pages_of_tasks_make_no_service_suspect() {
    let mut shop = Shop::new(4, &[]);
    shop.make(&ServiceSpec::new(CLUSTER, "batch").container("app", &[8080]).desired(116));
    for name in ["a", "b", "c", "d"] {
        let group = shop.alb_group(&format!("{name}-tg"));
        shop.make(&behind(name, &group).desired(1));
    }
    shop.settle().await;
    shop.world().ecs.behaviour.tasks_per_page = Some(1);
    let report = shop.stage.sweep().await.unwrap();
    let seen = &report.clusters[CLUSTER];
    assert_eq!(seen.suspects, std::collections::BTreeMap::new());
    assert_eq!((seen.services, report.unread(), report.is_round_over), (5, 0, true));
    assert!(shop.count("ListTasks") > 100, "the whole cluster is listed: {:?}", shop.calls());
}
