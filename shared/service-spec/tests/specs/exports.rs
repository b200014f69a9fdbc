//! A spec exported from an existing service: applying it changes only tags.

use super::account::{carry_out, found};
use super::{context, good, lines, shown};
use expect_test::expect;
use portkeeper_service_spec::identity::SpecId;
use portkeeper_service_spec::steps::StepAction;
use portkeeper_service_spec::{Context, export, plan, validate};

const SPECS: [&str; 6] = [
    include_str!("../../../../specs/blue-green.yaml"),
    include_str!("../../../../specs/bridge-alb.yaml"),
    include_str!("../../../../specs/fargate.yaml"),
    include_str!("../../../../specs/minimal.yaml"),
    include_str!("../../../../specs/nlb-tcp.yaml"),
    include_str!("../../../../specs/two-groups.yaml"),
];

#[test]
fn an_exported_spec_changes_only_tags() {
    for text in SPECS {
        let spec = good(text);
        let mut account = found();
        carry_out(&mut account, &plan(&spec, &found(), &context()), usize::MAX);
        // No spec owns it, and it is in use.
        account.service.as_mut().unwrap().tags.retain(|key, _| !key.starts_with("portkeeper"));
        account.groups.iter_mut().for_each(|group| group.load_balancers.push("alb".to_owned()));
        account
            .scaling
            .iter_mut()
            .for_each(|scaling| drop(scaling.policies.remove("portkeeper-requestsPerTarget")));
        let exported = export("shop", &account).unwrap().to_string();
        let (again, problems) = validate("exported.json", exported.as_bytes());
        let again = again.unwrap_or_else(|| panic!("{}\n{exported}", lines(&problems)));
        let owner = SpecId { bucket: "specs".to_owned(), key: "specs/exported.yaml".to_owned() };
        let planned = plan(&again, &account, &Context { owner, ..context() });
        assert!(planned.may_run(), "{}", shown(&planned));
        for step in planned.steps.iter().filter(|step| step.action != StepAction::Keep) {
            let only_tags = step.differences.iter().all(|it| it.path.starts_with("tags."));
            assert!(only_tags && step.action == StepAction::Change, "{}", shown(&planned));
        }
    }
}

#[test]
fn an_export_has_no_defaults_and_nothing_that_is_only_shown() {
    let mut account = found();
    carry_out(&mut account, &plan(&good(SPECS[3]), &found(), &context()), usize::MAX);
    expect![[r#"
        {
          "cluster": "shop",
          "service": {
            "availabilityZoneRebalancing": "ENABLED",
            "deploymentConfiguration": {
              "maximumPercent": 200,
              "minimumHealthyPercent": 100
            },
            "desiredCount": 2,
            "launchType": "EC2",
            "loadBalancers": [
              {
                "containerName": "web",
                "containerPort": 80,
                "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/hello/73e2d6bc24d8a067"
              }
            ],
            "serviceName": "hello"
          },
          "taskDefinition": {
            "containerDefinitions": [
              {
                "image": "nginx:1.29",
                "memory": 128,
                "name": "web",
                "portMappings": [
                  {
                    "containerPort": 80
                  }
                ]
              }
            ],
            "family": "hello"
          }
        }"#]].assert_eq(&serde_json::to_string_pretty(&export("shop", &account).unwrap()).unwrap());
    account.task_definition = None;
    assert_eq!(
        export("shop", &account).unwrap_err().to_string(),
        "task definition of the service not found"
    );
    account.service = None;
    assert_eq!(export("shop", &account).unwrap_err().to_string(), "service not found");
    account.cluster = None;
    assert!(export("shop", &account).unwrap_err().to_string().starts_with("cluster not found"));
}
