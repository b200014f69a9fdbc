//! Task and service definitions from real projects: AWS receives what the spec says, member by
//! member.
//!
//! Each file in `real-world` is one spec. Values have AWS's own types, so the test compares them
//! verbatim; what Portkeeper adds is a closed list.

use portkeeper_tests::desk::Desk;
use portkeeper_tests::yaml;
use portkeeper_world::ecs::DEFAULT_VPC;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The members that Portkeeper adds to a task definition, and to a service whose spec omits them.
const ADDED: [&str; 5] = ["clientToken", "cluster", "loadBalancers", "tags", "taskDefinition"];

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/real-world");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Compares a request with the spec: every member of the spec is in it unchanged, and the rest is
/// on the closed list. Returns the differences.
fn compare(spec: &Value, sent: &Value) -> Vec<String> {
    let (spec, sent) = (spec.as_object().unwrap(), sent.as_object().unwrap());
    let mut wrong = Vec::new();
    for (name, value) in spec.iter().filter(|(name, _)| *name != "tags") {
        if sent.get(name) != Some(value) {
            wrong.push(format!("{name}: {value} in the spec, {:?} to AWS", sent.get(name)));
        }
    }
    let added =
        sent.keys().filter(|name| !spec.contains_key(*name) && !ADDED.contains(&name.as_str()));
    wrong.extend(added.map(|name| format!("{name} is in nobody's spec: {}", sent[name])));
    let tags = spec.get("tags").and_then(Value::as_array).into_iter().flatten();
    let missing = tags.filter(|tag| !sent["tags"].as_array().unwrap().contains(tag));
    wrong.extend(missing.map(|tag| format!("{tag} is not among the tags")));
    wrong
}

/// Creates the security groups and roles that a file names anywhere.
fn make_named(desk: &Desk, member: &str, value: &Value) {
    match value {
        Value::String(text) if text.starts_with("sg-") => {
            desk.world().add_security_group(text, DEFAULT_VPC);
        }
        Value::String(text) if member == "role" || member.ends_with("oleArn") => {
            desk.world().add_role(text.rsplit('/').next().unwrap());
        }
        Value::Array(items) => items.iter().for_each(|item| make_named(desk, member, item)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| make_named(desk, name, value));
        }
        _ => {}
    }
}

/// Creates what some of the files name: capacity providers, an HTTPS listener, and a Network Load
/// Balancer.
fn prepare(desk: &Desk) {
    let providers = ["FARGATE", "FARGATE_SPOT"];
    desk.ecs(
        "PutClusterCapacityProviders",
        json!({"capacityProviders": providers, "defaultCapacityProviderStrategy": []}),
    );
    let front = desk.elb("DescribeLoadBalancers", &json!({"Names": ["front"]}));
    let listener = json!({
        "LoadBalancerArn": front["LoadBalancers"][0]["LoadBalancerArn"],
        "Protocol": "HTTPS",
        "Port": 443,
        "Certificates": [{"CertificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/1"}],
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    });
    desk.elb("CreateListener", &listener);
    let subnets = desk.world().default_subnets();
    desk.elb("CreateLoadBalancer", &json!({"Name": "edge", "Type": "network", "Subnets": subnets}));
}

/// Returns the only call of an operation.
fn only(desk: &Desk, operation: &str) -> Result<Value, String> {
    match desk.inputs(operation).as_slice() {
        [one] => Ok(one.clone()),
        all => Err(format!("{} calls of {operation}", all.len())),
    }
}

/// Uploads a file and returns the differences between it and the requests that reach AWS.
async fn check(path: &Path) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let spec = yaml::to_json(&text);
    let desk = Desk::default();
    prepare(&desk);
    make_named(&desk, "", &spec);
    let key = format!("specs/{}", path.file_name().unwrap().to_str().unwrap());
    desk.drop_spec(&key, &text);
    if !desk.deliver().await || desk.status(&key) != "deploying" {
        return Err(format!("{:#}", desk.result(&key)));
    }
    let mut wrong = compare(&spec["taskDefinition"], &only(&desk, "RegisterTaskDefinition")?);
    let created = only(&desk, "CreateService")?;
    wrong.extend(compare(&spec["service"], &created));
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let balanced = |entry: &Value, container: &str, port: &str, shifts: &str| {
        (entry[container].clone(), entry[port].clone(), entry.get(shifts).is_some())
    };
    let asked: Vec<_> = list(&spec["loadBalancing"])
        .iter()
        .map(|entry| balanced(entry, "container", "port", "blueGreen"))
        .collect();
    let sent: Vec<_> = list(&created["loadBalancers"])
        .iter()
        .map(|entry| balanced(entry, "containerName", "containerPort", "advancedConfiguration"))
        .collect();
    if asked != sent {
        wrong.push(format!("load balancers: {asked:?} in the spec, {sent:?} to AWS"));
    }
    Ok(wrong)
}

/// Holds I-WHOLE.
#[tokio::test]
async fn what_aws_receives_is_what_the_spec_says() {
    let files = files();
    assert!(files.len() >= 30, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let found = check(&file).await.unwrap_or_else(|why| vec![why]);
        wrong.extend(found.iter().map(|what| format!("{}: {what}", file.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
