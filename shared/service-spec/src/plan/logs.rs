//! Plans log groups: creates the missing ones, and sets the retention if the spec contains one.

use super::{Planner, Step, differs};
use crate::steps::{Resource, Write};

pub(super) fn plan(planner: &mut Planner<'_>) {
    for group in &planner.spec.log_groups {
        let name = &group.name;
        let found = planner.found.log_groups.get(name);
        let before = found.copied().flatten();
        let put = |days| Write::PutRetention { name: name.clone(), days: Some(days), before };
        let retention = group.retention_days.map(put);
        let step = match found {
            None => {
                let tags = planner.context.owner.tags(planner.spec);
                let mut step = Step::create(
                    Resource::LogGroup,
                    name,
                    Write::CreateLogGroup { name: name.clone(), tags },
                );
                step.writes.extend(retention);
                step
            }
            Some(days) => {
                let asked = group.retention_days.or(*days);
                let differences =
                    differs("retentionDays", days.as_ref(), asked.as_ref()).into_iter().collect();
                Step::change(Resource::LogGroup, name, differences, retention.into_iter().collect())
            }
        };
        planner.step(step);
    }
}
