//! Identifiers: their valid forms, and what is rejected.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::expect;
use portkeeper_core::ids::{
    ClusterArn, ContainerPort, HostPort, NotAnId, ServiceArn, ServiceKey, Target, TargetGroupArn,
    TargetId, TaskArn,
};
use portkeeper_core::ledger::Subject;
use portkeeper_core::observation::{HealthState, TaskStatus};
use portkeeper_core::time::{Timestamp, spoken};
use std::fmt::Display;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";

fn both_ways<T: TryFrom<String, Error = NotAnId> + Display>(text: &str) -> String {
    match T::try_from(text.to_owned()) {
        Ok(value) => format!("{value}\n"),
        Err(error) => format!("{error}\n"),
    }
}

#[test]
fn targets_are_an_id_and_a_port() {
    let texts = [
        "i-0123456789abcdef0:32768",
        "10.0.1.7:8080",
        "[2001:db8::7]:8080",
        "[fd00:0:0:0::5]:80",
        "i-1:0",
        "i-1:65536",
        "i-1",
        "10.0.1:80",
        ":80",
        "web:80",
        "[10.0.0.1:80",
        "i-:80",
        "mi-1:80",
        "",
    ];
    expect![[r"
        i-0123456789abcdef0:32768
        10.0.1.7:8080
        [2001:db8::7]:8080
        [fd00::5]:80
        `i-1:0` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `i-1:65536` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `i-1` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `10.0.1:80` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `:80` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `web:80` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `[10.0.0.1:80` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `i-:80` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `mi-1:80` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
        `` is not a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080
    "]]
    .assert_eq(&texts.map(both_ways::<Target>).concat());
}

#[test]
fn a_target_without_port_is_no_target() {
    assert!(serde_json::from_str::<Target>("\"i-1\"").is_err());
    assert_eq!(
        serde_json::to_string(&Target::try_from("[fd00::5]:80".to_owned()).unwrap()).unwrap(),
        "\"[fd00::5]:80\""
    );
}

#[test]
fn ids_of_targets() {
    let texts =
        ["i-1", "10.0.0.5", "fd00::5", "::ffff:10.0.0.5", "mi-1", "arn:aws:lambda:x", "10.0.0.256"];
    expect![[r"
        i-1
        10.0.0.5
        fd00::5
        ::ffff:10.0.0.5
        `mi-1` is not an EC2 instance id or an IP address
        `arn:aws:lambda:x` is not an EC2 instance id or an IP address
        `10.0.0.256` is not an EC2 instance id or an IP address
    "]]
    .assert_eq(&texts.map(both_ways::<TargetId>).concat());
}

#[test]
fn ports_are_from_1_to_65535() {
    for number in [0, -1, 65_536, i64::MAX] {
        assert_eq!(
            HostPort::try_from(number).unwrap_err().to_string(),
            format!("`{number}` is not a port from 1 to 65535")
        );
    }
    assert_eq!(ContainerPort::try_from(65_535).unwrap().as_host_port().get(), 65_535);
}

/// Holds C-13.
#[test]
fn arns_of_every_partition_long_and_short() {
    let texts = [
        "arn:aws:ecs:eu-west-1:111122223333:service/shop/web",
        "arn:aws:ecs:eu-west-1:111122223333:service/web",
        "arn:aws-cn:ecs:cn-north-1:111122223333:service/shop/web",
        "arn:aws:ecs:eu-west-1:111122223333:service/",
        "arn:aws:ecs:eu-west-1:111122223333:cluster/shop",
        "arn:aws:ec2:eu-west-1:111122223333:service/shop/web",
        "service/shop/web",
        "arn::ecs:::service/web",
    ];
    let table = texts.map(|text| match ServiceArn::try_from(text) {
        Ok(arn) => {
            format!("{} of {:?}\n", arn.name(), arn.cluster().map(|cluster| cluster.to_string()))
        }
        Err(error) => format!("{error}\n"),
    });
    expect![[r#"
        web of Some("arn:aws:ecs:eu-west-1:111122223333:cluster/shop")
        web of None
        web of Some("arn:aws-cn:ecs:cn-north-1:111122223333:cluster/shop")
        `arn:aws:ecs:eu-west-1:111122223333:service/` is not the ARN of an ECS service
        `arn:aws:ecs:eu-west-1:111122223333:cluster/shop` is not the ARN of an ECS service
        `arn:aws:ec2:eu-west-1:111122223333:service/shop/web` is not the ARN of an ECS service
        `service/shop/web` is not the ARN of an ECS service
        `arn::ecs:::service/web` is not the ARN of an ECS service
    "#]]
    .assert_eq(&table.concat());
}

#[test]
fn arns_have_names() {
    let group = TargetGroupArn::try_from(GROUP).unwrap();
    let task = TaskArn::try_from("arn:aws:ecs:eu-west-1:111122223333:task/shop/5f3").unwrap();
    let cluster =
        ClusterArn::try_from("arn:aws-us-gov:ecs:us-gov-west-1:111122223333:cluster/shop").unwrap();
    assert_eq!((group.name(), task.tail(), task.path()), ("web", "5f3", "shop/5f3"));
    assert_eq!(
        (cluster.name(), cluster.partition(), cluster.region()),
        ("shop", "aws-us-gov", "us-gov-west-1")
    );
    assert_eq!(ServiceKey { cluster, service: "web".to_owned() }.to_string(), "shop/web");
}

#[test]
fn vpc_lattice_target_groups_are_not_elbv2() {
    let error =
        TargetGroupArn::try_from("arn:aws:vpc-lattice:eu-west-1:111122223333:targetgroup/tg-0123")
            .unwrap_err();
    expect!["`arn:aws:vpc-lattice:eu-west-1:111122223333:targetgroup/tg-0123` is not the ARN of an ELBv2 target group"]
        .assert_eq(&error.to_string());
}

#[test]
fn subjects_read_back_and_are_short_for_people() {
    let texts = [
        "service".to_owned(),
        "arn:aws:ecs:eu-west-1:111122223333:task/shop/5f3".to_owned(),
        GROUP.to_owned(),
        format!("{GROUP} i-1:32768"),
        format!("{GROUP} [fd00::5]:80"),
    ];
    let table = texts.map(|text| {
        let subject = Subject::try_from(text.clone()).unwrap();
        assert_eq!(String::from(subject.clone()), text);
        format!("{subject}\n")
    });
    expect![[r"
        service
        task 5f3
        web
        web i-1:32768
        web [fd00::5]:80
    "]]
    .assert_eq(&table.concat());
    for text in ["", "services", "a b", "arn:aws:ecs:eu-west-1:111122223333:cluster/shop"] {
        assert!(Subject::try_from(text.to_owned()).is_err(), "{text}");
    }
}

#[test]
fn values_that_aws_adds_are_kept() {
    let state: HealthState = serde_json::from_str("\"sleepy\"").unwrap();
    assert_eq!(
        (state.clone(), state.to_string()),
        (HealthState::Unknown("sleepy".to_owned()), "sleepy".to_owned())
    );
    assert_eq!(serde_json::to_string(&state).unwrap(), "\"sleepy\"");
    assert_eq!(TaskStatus::from("RUNNING"), TaskStatus::Running);
}

#[test]
fn moments_are_iso_8601_in_utc() {
    let texts = [
        "2026-11-23T10:15:00Z",
        "2026-11-23T10:15:00.123456+01:00",
        "1969-12-31T23:59:59.5Z",
        "2026-11-23",
        "now",
    ];
    let table = texts.map(|text| match Timestamp::try_from(text.to_owned()) {
        Ok(moment) => format!("{moment} {}\n", moment.as_secs()),
        Err(error) => format!("{error}\n"),
    });
    expect![[r#"
        2026-11-23T10:15:00Z 1795428900
        2026-11-23T09:15:00.123Z 1795425300
        1969-12-31T23:59:59.5Z -1
        `2026-11-23` is not an ISO 8601 time, such as 2026-11-23T10:15:00Z
        `now` is not an ISO 8601 time, such as 2026-11-23T10:15:00Z
    "#]]
    .assert_eq(&table.concat());
    let (early, late) = (Timestamp::from_secs(100), Timestamp::from_secs(160));
    assert_eq!(
        (late.secs_since(early), early.secs_since(late), early.plus_secs(60)),
        (60, 0, late)
    );
}

#[test]
fn durations_are_written_in_readable_units() {
    let spans = [0, 59, 60, 200, 3600, 3661, 7500, 90_000];
    expect!["0 s, 59 s, 1 min, 3 min 20 s, 1 h, 1 h 1 min, 2 h 5 min, 25 h"]
        .assert_eq(&spans.map(spoken).join(", "));
}
