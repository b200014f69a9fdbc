//! Reads services and their revisions. It decides only whether revisions must be read.

use super::{convert, few_at_once, gap};
use crate::account::Aws;
use crate::failure::{Failure, chain};
use aws_sdk_ecs::types as ecs;
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::ids::{ClusterArn, RevisionArn, ServiceKey};
use portkeeper_core::observation::{
    DeploymentController, DeploymentStrategy, Gap, Missed, Observation, Service, ServiceStatus,
};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How many services `DescribeServices` accepts.
const SERVICES_BATCH: usize = 10;

/// How many ARNs `DescribeServiceRevisions` accepts.
const REVISIONS_BATCH: usize = 20;

/// The result of `DescribeServices` for one service.
pub(super) enum Described {
    /// It exists.
    Found(Box<Service>),
    /// No service has this name.
    Absent,
    /// It is unknown.
    Unknown(Gap),
}

/// Describes the service of each check: observations that hold nothing else yet, in the order of
/// the checks. One call serves up to ten services of one cluster. Read the rest of each with
/// [`observe_rest`](super::observe_rest) soon: the age of proofs counts from here.
pub async fn describe_services(
    aws: &Aws,
    checks: &[ServiceCheck],
) -> Vec<Result<Observation, Failure>> {
    let mut by_cluster: BTreeMap<&ClusterArn, Vec<(usize, &ServiceCheck)>> = BTreeMap::new();
    for (place, check) in checks.iter().enumerate() {
        by_cluster.entry(&check.key.cluster).or_default().push((place, check));
    }
    let batches = by_cluster.values().flat_map(|checks| checks.chunks(SERVICES_BATCH));
    let answers = batches.map(|batch| async move {
        let checks: Vec<&ServiceCheck> = batch.iter().map(|(_, check)| *check).collect();
        let described = describe_batch(aws, &checks).await;
        batch.iter().map(|(place, _)| *place).zip(described).collect::<Vec<_>>()
    });
    let answers = few_at_once(answers.collect()).await;
    let ordered: BTreeMap<usize, _> = answers.into_iter().flatten().collect();
    ordered.into_values().collect()
}

/// Describes the service of one check.
pub(super) async fn describe_service(
    aws: &Aws,
    check: &ServiceCheck,
) -> Result<Observation, Failure> {
    let observed_at = aws.now();
    let names = [check.key.service.as_str()];
    let mut answer = call(aws, &check.key.cluster, &names, true).await?;
    Ok(observation(check, observed_at, answer.remove(check.key.service.as_str())))
}

/// Describes up to ten services of one cluster. If a call fails as a whole, it is repeated for each
/// service, so that a failure of one service does not affect the others.
async fn describe_batch(aws: &Aws, checks: &[&ServiceCheck]) -> Vec<Result<Observation, Failure>> {
    let observed_at = aws.now();
    let names: Vec<&str> = checks.iter().map(|check| check.key.service.as_str()).collect();
    let Some(first) = checks.first() else { return Vec::new() };
    match call(aws, &first.key.cluster, &names, true).await {
        Ok(mut answer) => {
            let described = |check: &&ServiceCheck| {
                Ok(observation(check, observed_at, answer.remove(check.key.service.as_str())))
            };
            checks.iter().map(described).collect()
        }
        Err(failure) if checks.len() > 1 && failure.is_final() => {
            let each = checks.iter().map(|check| describe_service(aws, check));
            few_at_once(each.collect()).await
        }
        Err(failure) => checks.iter().map(|_| Err(failure.clone())).collect(),
    }
}

fn observation(
    check: &ServiceCheck,
    observed_at: Timestamp,
    described: Option<Described>,
) -> Observation {
    let mut seen = Observation::new(check.key.clone(), observed_at);
    match described {
        Some(Described::Found(service)) => seen.service = Some(*service),
        Some(Described::Absent) => {}
        Some(Described::Unknown(gap)) => seen.gaps.push(gap),
        None => seen.gaps.push(Gap {
            what: Missed::Service,
            why: format!("ecs:DescribeServices did not answer for {}", check.key),
            retry: true,
        }),
    }
    seen
}

/// One call of `DescribeServices`, by service name. A cluster that does not exist has no services.
pub(super) async fn call<'a>(
    aws: &Aws,
    cluster: &ClusterArn,
    names: &[&'a str],
    with_tags: bool,
) -> Result<BTreeMap<&'a str, Described>, Failure> {
    let tags = with_tags.then_some(vec![ecs::ServiceField::Tags]);
    let services = names.iter().map(|name| (*name).to_owned()).collect();
    let request = aws
        .ecs
        .describe_services()
        .cluster(cluster.as_str())
        .set_services(Some(services))
        .set_include(tags);
    aws.acquire("ecs:DescribeServices").await;
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let resource = format!("{} in cluster {}", names.join(", "), cluster.name());
            let failure = aws.failure("ecs:DescribeServices", resource, error);
            return match failure.code() {
                Some("ClusterNotFoundException") => {
                    Ok(names.iter().map(|name| (*name, Described::Absent)).collect())
                }
                _ => Err(failure),
            };
        }
    };
    let mut described = BTreeMap::new();
    for name in names {
        let found = answer.services().iter().find(|service| service.service_name() == Some(*name));
        let failed = answer.failures().iter().find(|failure| names_service(failure, name));
        let entry = match (found, failed) {
            (Some(service), _) => convert::service(service).map_or_else(
                |error| {
                    Described::Unknown(Gap {
                        what: Missed::Service,
                        why: chain(&error),
                        retry: false,
                    })
                },
                |service| Described::Found(Box::new(service)),
            ),
            (None, Some(failure)) if failure.reason() == Some("MISSING") => Described::Absent,
            (None, Some(failure)) => {
                Described::Unknown(failure_gap(Missed::Service, "ecs:DescribeServices", failure))
            }
            (None, None) => continue,
        };
        described.insert(*name, entry);
    }
    Ok(described)
}

/// A failure names a service by its ARN, or by the name that was asked for.
fn names_service(failure: &ecs::Failure, name: &str) -> bool {
    failure.arn().is_some_and(|arn| arn.rsplit('/').next() == Some(name))
}

/// The gap that an entry of `failures[]` leaves.
pub(super) fn failure_gap(what: Missed, action: &str, failure: &ecs::Failure) -> Gap {
    let (arn, reason) =
        (failure.arn().unwrap_or("unnamed"), failure.reason().unwrap_or("no reason"));
    let detail = failure.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    Gap { what, why: format!("{action} answered {reason} for {arn}{detail}"), retry: true }
}

/// Whether the service itself determines the groups of all its tasks: it has one rolling
/// deployment, one revision, and no pair of groups of which only the revision names the one in use.
fn is_simple(service: &Service) -> bool {
    service.controller == DeploymentController::Ecs
        && service.strategy == DeploymentStrategy::Rolling
        && service.deployments.len() == 1
        && service.current_revisions.len() <= 1
        && !service.load_balancers.iter().any(|entry| entry.alternate_target_group.is_some())
        && !service.managed_by_ecs
        && !service.behind_gateway
}

/// Reads the service's current revisions if they can differ from the service. For `CODE_DEPLOY` and
/// EXTERNAL services, the task sets are authoritative, which are part of the service's description.
pub(super) async fn read_revisions(aws: &Aws, key: &ServiceKey, service: &mut Service) -> Vec<Gap> {
    let mut gaps = read_revisions_of(aws, &mut [(key, service)]).await;
    gaps.remove(key).unwrap_or_default()
}

/// Does the same for several services of one cluster, with one call for each twenty revisions of
/// all services together.
pub(super) async fn read_revisions_of(
    aws: &Aws,
    services: &mut [(&ServiceKey, &mut Service)],
) -> BTreeMap<ServiceKey, Vec<Gap>> {
    let mut gaps: BTreeMap<ServiceKey, Vec<Gap>> = BTreeMap::new();
    let wanted =
        services.iter().enumerate().filter(|(_, (_, service))| has_revisions_to_read(service));
    let wanted: Vec<(usize, RevisionArn)> = wanted
        .flat_map(|(place, (_, service))| {
            service.current_revisions.iter().map(move |arn| (place, arn.clone()))
        })
        .collect();
    for batch in wanted.chunks(REVISIONS_BATCH) {
        let failed = read_revision_batch(aws, batch, services, &mut gaps).await;
        let Some(failure) = failed else { continue };
        let indexes: BTreeSet<usize> = batch.iter().map(|(place, _)| *place).collect();
        for place in indexes.iter().copied() {
            let own: Vec<_> = batch.iter().filter(|(other, _)| *other == place).cloned().collect();
            // One faulty service makes the whole call fail; requested one by one, only that service
            // is missing.
            let failure = if indexes.len() > 1 && failure.is_final() {
                read_revision_batch(aws, &own, services, &mut gaps).await
            } else {
                Some(failure.clone())
            };
            if let (Some(failure), Some((key, _))) = (failure, services.get(place)) {
                gaps.entry((*key).clone()).or_default().push(gap(Missed::Revisions, &failure));
            }
        }
    }
    for (_, service) in services.iter_mut() {
        service.revisions.sort_by(|one, other| one.arn.cmp(&other.arn));
    }
    gaps
}

/// Its revisions may differ from the service itself. ECS refuses to describe the revisions of an
/// INACTIVE service.
fn has_revisions_to_read(service: &Service) -> bool {
    let by_task_set = matches!(
        service.controller,
        DeploymentController::CodeDeploy | DeploymentController::External
    );
    !is_simple(service) && !by_task_set && service.status != ServiceStatus::Inactive
}

/// Reads these revisions, each for the service at that index. Returns the failure of the call, if
/// it failed.
async fn read_revision_batch(
    aws: &Aws,
    batch: &[(usize, RevisionArn)],
    services: &mut [(&ServiceKey, &mut Service)],
    gaps: &mut BTreeMap<ServiceKey, Vec<Gap>>,
) -> Option<Failure> {
    let action = "ecs:DescribeServiceRevisions";
    let arns = batch.iter().map(|(_, arn)| arn.as_str().to_owned()).collect();
    aws.acquire(action).await;
    let answer = match aws
        .ecs
        .describe_service_revisions()
        .set_service_revision_arns(Some(arns))
        .send()
        .await
    {
        Ok(answer) => answer,
        Err(error) => {
            return Some(aws.failure(action, format!("{} service revisions", batch.len()), error));
        }
    };
    for (place, arn) in batch {
        let Some((key, service)) = services.get_mut(*place) else { continue };
        let described = answer
            .service_revisions()
            .iter()
            .find(|one| one.service_revision_arn() == Some(arn.as_str()));
        let failure = answer.failures().iter().find(|failure| failure.arn() == Some(arn.as_str()));
        let missed = match (described, failure) {
            (Some(described), _) => {
                service.behind_gateway |= convert::is_behind_gateway(described);
                service.behind_lattice |= convert::is_behind_lattice(described);
                match convert::revision(described) {
                    Ok(revision) => {
                        service.revisions.push(revision);
                        continue;
                    }
                    Err(error) => Gap { what: Missed::Revisions, why: chain(&error), retry: false },
                }
            }
            (None, Some(failure)) => failure_gap(Missed::Revisions, action, failure),
            (None, None) => {
                let why = format!("{action} did not answer for revision {} of {key}", arn.tail());
                Gap { what: Missed::Revisions, why, retry: true }
            }
        };
        gaps.entry((*key).clone()).or_default().push(missed);
    }
    None
}
