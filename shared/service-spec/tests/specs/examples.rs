//! The examples in specs/: each is valid, can be planned, and planning on the result returns an
//! empty plan; its broken twin is refused.

use super::account::{carry_out, found, take_back};
use super::{context, lines, shown};
use expect_test::expect;
use portkeeper_service_spec::spec::Spec;
use portkeeper_service_spec::{plan, validate, verify_live};
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs")
}

/// Every example, by its name.
fn examples() -> Vec<(String, Spec)> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    let read = |name: String| {
        let (spec, problems) = validate(&name, &fs::read(folder().join(&name)).unwrap());
        assert_eq!(lines(&problems), "", "{name}");
        (name, spec.unwrap())
    };
    names.into_iter().map(read).collect()
}

#[test]
fn every_example_is_good_and_comes_to_rest() {
    for (name, spec) in examples() {
        let mut found = found();
        assert_eq!(lines(&verify_live(&spec, &found, Some(&context().owner))), "", "{name}");
        let first = plan(&spec, &found, &context());
        assert!(first.may_run() && !first.is_unchanged(), "{name}: {}", shown(&first));
        carry_out(&mut found, &first, usize::MAX);
        let second = plan(&spec, &found, &context());
        assert!(second.is_unchanged(), "{name}: {}", shown(&second));
        assert_eq!(lines(&second.problems), "", "{name}");
        assert_eq!(lines(&verify_live(&spec, &found, Some(&context().owner))), "", "{name}");
    }
}

/// A function that ends between any two writes: the next plan continues, and ends where one plan
/// would have.
#[test]
fn an_interrupted_plan_resumes() {
    for (name, spec) in examples() {
        let mut whole = found();
        let first = plan(&spec, &whole, &context());
        let writes = first.steps.iter().map(|step| step.writes.len()).sum();
        carry_out(&mut whole, &first, usize::MAX);
        for most in 0..writes {
            let mut found = found();
            carry_out(&mut found, &first, most);
            let again = plan(&spec, &found, &context());
            assert!(again.may_run(), "{name} after {most}: {}", shown(&again));
            carry_out(&mut found, &again, usize::MAX);
            assert!(plan(&spec, &found, &context()).is_unchanged(), "{name} after {most}");
            assert_eq!(found.groups.len(), whole.groups.len(), "{name} after {most}");
        }
    }
}

/// Every write before a failure is rolled back: the account is as before.
#[test]
fn every_write_can_be_rolled_back() {
    for (name, spec) in examples() {
        let first = plan(&spec, &found(), &context());
        let writes: usize = first.steps.iter().map(|step| step.writes.len()).sum();
        for most in 0..=writes {
            let mut found = found();
            let (done, made) = carry_out(&mut found, &first, most);
            take_back(&mut found, &done, &made);
            assert_eq!(found, self::found(), "{name} after {most}");
        }
    }
}

#[test]
fn every_broken_twin_is_refused() {
    for (name, _) in examples() {
        let text = fs::read(folder().join("broken").join(&name)).unwrap();
        let (spec, problems) = validate(&name, &text);
        assert!(spec.is_none(), "{name}");
        assert!(problems.len() > 4, "{name}: {}", lines(&problems));
        assert!(problems.iter().all(|problem| problem.position.is_some()), "{name}");
    }
}

#[test]
fn the_minimal_example_is_short_and_says_what_it_makes() {
    let text = fs::read_to_string(folder().join("minimal.yaml")).unwrap();
    assert!(text.lines().count() < 25);
    let (_, spec) = examples().into_iter().find(|(name, _)| name == "minimal.yaml").unwrap();
    expect![[r#"
        create TaskDefinition hello
        create TargetGroup hello
        create ListenerRule hello.example.com
        create Service hello
    "#]]
    .assert_eq(&shown(&plan(&spec, &found(), &context())));
}

/// What AWS gets is what the spec says, member by member, and what Portkeeper adds.
#[test]
fn the_inputs_of_aws() {
    let (_, spec) = examples().into_iter().find(|(name, _)| name == "blue-green.yaml").unwrap();
    let first = plan(&spec, &found(), &context());
    let (done, _) = carry_out(&mut found(), &first, usize::MAX);
    let inputs: Vec<String> =
        done.iter().map(|write| serde_json::to_string(write).unwrap()).collect();
    expect![[r#"
        {"call":"register_task_definition","input":{"containerDefinitions":[{"image":"111122223333.dkr.ecr.eu-west-1.amazonaws.com/payment:88","name":"app","portMappings":[{"containerPort":8443}]}],"cpu":"1024","executionRoleArn":"arn:aws:iam::111122223333:role/ecs-execution","family":"payment","memory":"2 GB","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"tags":[{"key":"portkeeper:spec","value":"specs/specs/hello.yaml"},{"key":"portkeeper:spec-hash","value":"97d3f97ed3da53b91803a65eb3a316f1765269af2c1a07bcfa05feb9efac3f34"}]}}
        {"call":"create_target_group","group":{"name":"payment-blue","protocol":"HTTPS","protocol_version":null,"port":8443,"target_type":"ip","ip_address_type":null,"vpc":"vpc-1","health_check":{"protocol":"HTTPS","path":"/health"},"tags":{"portkeeper:spec":"specs/specs/hello.yaml"}}}
        {"call":"create_target_group","group":{"name":"payment-green","protocol":"HTTPS","protocol_version":null,"port":8443,"target_type":"ip","ip_address_type":null,"vpc":"vpc-1","health_check":{"protocol":"HTTPS","path":"/health"},"tags":{"portkeeper:spec":"specs/specs/hello.yaml"}}}
        {"call":"create_rule","listener":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/shop/50dc6c495c0c9188/1","conditions":{"hosts":["pay.example.com"],"paths":[]},"priority":{"automatic":1000},"forward":[[{"existing":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/payment-blue/73e2d6bc24d8a067"},1],[{"existing":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/payment-green/73e2d6bc24d8a067"},0]],"group_name":"payment-blue","tags":{"portkeeper:spec":"specs/specs/hello.yaml"}}
        {"call":"create_service","input":{"clientToken":"163b52a517d0bc279d4d7ca6be912207a9cb","cluster":"shop","deploymentConfiguration":{"bakeTimeInMinutes":10,"strategy":"BLUE_GREEN"},"desiredCount":3,"launchType":"FARGATE","loadBalancers":[{"advancedConfiguration":{"alternateTargetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/payment-green/73e2d6bc24d8a067","productionListenerRule":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/shop/50dc6c495c0c9188/1/payment-blue","roleArn":"arn:aws:iam::111122223333:role/ecs-infrastructure"},"containerName":"app","containerPort":8443,"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/payment-blue/73e2d6bc24d8a067"}],"networkConfiguration":{"awsvpcConfiguration":{"securityGroups":["sg-0a1b2c3d4e5f60001"],"subnets":["subnet-0a1b2c3d4e5f60001","subnet-0a1b2c3d4e5f60002"]}},"serviceName":"payment","tags":[{"key":"portkeeper:spec","value":"specs/specs/hello.yaml"},{"key":"portkeeper:spec-hash","value":"5864d19da49de935a640f30935edbf19fbe68fc763dd3dd3cddf55eb3aeffc2a"}],"taskDefinition":"arn:aws:ecs:eu-west-1:111122223333:task-definition/payment:1"},"blanks":[]}"#]].assert_eq(&inputs.join("\n"));
}
