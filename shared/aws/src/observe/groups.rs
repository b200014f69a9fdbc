//! Reads target groups: their descriptions and their registered targets.
//! Known descriptions come from the cache. Registered targets are read every time.
//!
//! AWS facts: F-4, F-5.

use super::{convert, few_at_once, gap};
use crate::account::Aws;
use crate::failure::{Failure, chain};
use portkeeper_core::ids::TargetGroupArn;
use portkeeper_core::observation::{
    FoundGroup, Gap, Missed, Observation, RegisteredTarget, TargetGroup, TargetType,
};
use std::collections::{BTreeMap, BTreeSet};

const DESCRIBE_GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";

/// How many ARNs one `DescribeTargetGroups` names. The limit is not published; 20 is that of
/// `DescribeTags`.
const GROUPS_BATCH: usize = 20;

/// How many groups one page of `DescribeTargetGroups` holds when none is named.
const GROUPS_PAGE: i32 = 400;

/// The maximum number of pages for all groups of an account and Region: the quota is 3,000 (and can
/// be raised). If reading the groups by name takes at least this many calls, reading every page is
/// cheaper.
const ALL_PAGES: usize = 8;

/// The maximum number of pages that are read. Quotas can be raised, but not without limit.
const PAGE_LIMIT: usize = 100;

/// What was read about one group.
pub(super) enum Read {
    Group(TargetGroup),
    Gap(Gap),
}

/// Reads these groups with their registered targets.
pub(super) async fn read_groups(
    aws: &Aws,
    groups: &BTreeSet<TargetGroupArn>,
    seen: &mut Observation,
    on_each: &(dyn Fn() + Sync),
) {
    let unknown: BTreeSet<_> =
        groups.iter().filter(|arn| aws.warm.group(arn).is_none()).cloned().collect();
    let mut described = if unknown.len() > ALL_PAGES * GROUPS_BATCH {
        describe_many(aws, &unknown).await
    } else {
        describe_groups(aws, &unknown).await
    };
    let reads = groups.iter().map(|arn| {
        let known = described
            .remove(arn)
            .or_else(|| Some(Read::Group(TargetGroup::Found(aws.warm.group(arn)?))));
        async move {
            let read = match known {
                Some(Read::Group(TargetGroup::Found(group))) => read_targets(aws, arn, group).await,
                Some(other) => other,
                None => Read::Gap(not_answered(arn)),
            };
            on_each();
            (arn.clone(), read)
        }
    });
    for (arn, read) in few_at_once(reads.collect()).await {
        match read {
            Read::Group(group) => {
                seen.target_groups.insert(arn, group);
            }
            Read::Gap(gap) => seen.gaps.push(gap),
        }
    }
}

/// Reads the descriptions of these groups again; the targets already read stay.
pub(super) async fn refresh_groups(
    aws: &Aws,
    groups: &BTreeSet<TargetGroupArn>,
    seen: &mut Observation,
) {
    for (arn, read) in describe_groups(aws, groups).await {
        match (read, seen.target_groups.get_mut(&arn)) {
            (Read::Group(TargetGroup::Found(fresh)), Some(TargetGroup::Found(known))) => {
                let targets = std::mem::take(&mut known.targets);
                *known = FoundGroup { targets, ..fresh };
            }
            // Its targets are unknown, so it would look empty.
            (Read::Group(TargetGroup::Found(_)), _) => {}
            (Read::Group(TargetGroup::Missing), _) => {
                seen.target_groups.insert(arn, TargetGroup::Missing);
            }
            (Read::Gap(gap), _) => seen.gaps.push(gap),
        }
    }
}

/// Describes a number of groups for which listing all groups of the account takes fewer calls than
/// naming these.
async fn describe_many(
    aws: &Aws,
    groups: &BTreeSet<TargetGroupArn>,
) -> BTreeMap<TargetGroupArn, Read> {
    let (described, _) = describe_all(aws).await;
    let wanted = described.into_iter().filter(|(arn, _)| groups.contains(arn));
    let mut reads: BTreeMap<_, _> =
        wanted.map(|(arn, group)| (arn, Read::Group(TargetGroup::Found(group)))).collect();
    // A group that no page contains, or that could not be read there, is requested by name: the
    // response has the reason.
    let rest: BTreeSet<TargetGroupArn> =
        groups.iter().filter(|arn| !reads.contains_key(*arn)).cloned().collect();
    reads.extend(describe_groups(aws, &rest).await);
    reads
}

/// Reads and caches the description of every target group of the account and Region, for callers
/// that need many of them: a few pages instead of one call per twenty groups. Returns their number.
pub async fn learn_all_groups(aws: &Aws) -> Result<usize, Failure> {
    let (described, failed) = describe_all(aws).await;
    failed.map_or(Ok(described.len()), Err)
}

/// Returns every group that could be parsed, and the error that ended the list early, if any. All
/// groups are cached.
async fn describe_all(aws: &Aws) -> (BTreeMap<TargetGroupArn, FoundGroup>, Option<Failure>) {
    let (mut described, mut marker) = (BTreeMap::new(), None);
    for _ in 0..PAGE_LIMIT {
        aws.acquire(DESCRIBE_GROUPS).await;
        let request =
            aws.elb.describe_target_groups().page_size(GROUPS_PAGE).set_marker(marker.take());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                return (described, Some(aws.failure(DESCRIBE_GROUPS, "all groups", error)));
            }
        };
        for (arn, group) in
            answer.target_groups().iter().filter_map(|group| convert::group(group).ok())
        {
            aws.warm.keep_group(&arn, &group);
            described.insert(arn, group);
        }
        marker = answer.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            return (described, None);
        }
    }
    let why = format!("there are more than {PAGE_LIMIT} pages");
    (described, Some(Failure::unreadable(DESCRIBE_GROUPS, "all groups", why)))
}

async fn describe_groups(
    aws: &Aws,
    groups: &BTreeSet<TargetGroupArn>,
) -> BTreeMap<TargetGroupArn, Read> {
    let arns: Vec<&TargetGroupArn> = groups.iter().collect();
    let mut reads = BTreeMap::new();
    for batch in arns.chunks(GROUPS_BATCH) {
        match describe_batch(aws, batch).await {
            Ok(described) => reads.extend(described),
            // One missing group makes the whole call fail; requested one by one, only that group is
            // missing.
            Err(failure) if batch.len() > 1 && failure.is_final() => {
                for arn in batch {
                    match describe_batch(aws, &[arn]).await {
                        Ok(described) => reads.extend(described),
                        Err(failure) => {
                            reads.extend([((*arn).clone(), of_failure(aws, arn, &failure))]);
                        }
                    }
                }
            }
            Err(failure) => {
                reads.extend(
                    batch.iter().map(|arn| ((*arn).clone(), of_failure(aws, arn, &failure))),
                );
            }
        }
    }
    reads
}

async fn describe_batch(
    aws: &Aws,
    batch: &[&TargetGroupArn],
) -> Result<BTreeMap<TargetGroupArn, Read>, Failure> {
    let arns = batch.iter().map(|arn| arn.as_str().to_owned()).collect();
    aws.acquire(DESCRIBE_GROUPS).await;
    let answer =
        aws.elb.describe_target_groups().set_target_group_arns(Some(arns)).send().await.map_err(
            |error| {
                let names: Vec<&str> = batch.iter().map(|arn| arn.name()).collect();
                aws.failure(DESCRIBE_GROUPS, names.join(", "), error)
            },
        )?;
    let mut reads: BTreeMap<_, _> =
        batch.iter().map(|arn| ((*arn).clone(), Read::Gap(not_answered(arn)))).collect();
    for described in answer.target_groups() {
        match convert::group(described) {
            Ok((arn, group)) => {
                aws.warm.keep_group(&arn, &group);
                reads.insert(arn, Read::Group(TargetGroup::Found(group)));
            }
            Err(error) => {
                let asked =
                    batch.iter().find(|arn| described.target_group_arn() == Some(arn.as_str()));
                reads.extend(
                    asked.map(|arn| {
                        ((*arn).clone(), Read::Gap(not_understood(arn, &chain(&error))))
                    }),
                );
            }
        }
    }
    Ok(reads)
}

async fn read_targets(aws: &Aws, arn: &TargetGroupArn, group: FoundGroup) -> Read {
    aws.acquire("elasticloadbalancing:DescribeTargetHealth").await;
    let answer = match aws.elb.describe_target_health().target_group_arn(arn.as_str()).send().await
    {
        Ok(answer) => answer,
        Err(error) => {
            let failure =
                aws.failure("elasticloadbalancing:DescribeTargetHealth", arn.name(), error);
            return of_failure(aws, arn, &failure);
        }
    };
    // The targets of a function or a load balancer are ARNs. ECS registers nothing there, so none
    // are kept.
    if matches!(group.target_type, TargetType::Lambda | TargetType::Alb) {
        return Read::Group(TargetGroup::Found(group));
    }
    let targets: Result<Vec<RegisteredTarget>, _> =
        answer.target_health_descriptions().iter().map(convert::target).collect();
    match targets {
        Ok(mut targets) => {
            targets.sort_by(|one, other| one.target.cmp(&other.target));
            Read::Group(TargetGroup::Found(FoundGroup { targets, ..group }))
        }
        Err(error) => Read::Gap(not_understood(arn, &chain(&error))),
    }
}

fn of_failure(aws: &Aws, arn: &TargetGroupArn, failure: &Failure) -> Read {
    if failure.is_not_found() {
        aws.warm.forget_group(arn);
        Read::Group(TargetGroup::Missing)
    } else {
        Read::Gap(gap(Missed::TargetGroup(arn.clone()), failure))
    }
}

fn not_answered(arn: &TargetGroupArn) -> Gap {
    let why =
        format!("elasticloadbalancing:DescribeTargetGroups did not answer for {}", arn.name());
    Gap { what: Missed::TargetGroup(arn.clone()), why, retry: true }
}

fn not_understood(arn: &TargetGroupArn, error: &str) -> Gap {
    Gap {
        what: Missed::TargetGroup(arn.clone()),
        why: format!("{}: {error}", arn.name()),
        retry: false,
    }
}
