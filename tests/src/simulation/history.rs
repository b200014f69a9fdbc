//! What was true when, kept apart from anything that Portkeeper remembers: the judge's own memory.
//!
//! It is fed from [`truth`](portkeeper_world::truth) whenever something has happened in the
//! account.

use portkeeper_world::World;
use portkeeper_world::truth::{self, LiveTarget};
use std::collections::{BTreeMap, BTreeSet};

/// A target in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub group: String,
    pub id: String,
    pub port: u16,
}

/// Everything that was ever true of targets.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By place and `cluster/service`: the tasks whose target it was, and when each was seen gone.
    held: BTreeMap<(Place, String), BTreeMap<String, Option<u64>>>,
    /// Since when a RUNNING task's target has been missing at least once.
    first_absent: BTreeMap<(Place, String), u64>,
    /// The last look.
    live: Vec<LiveTarget>,
    /// How much of the journal and of the writes was there at the last look.
    seen: (usize, usize),
}

impl History {
    /// Looks at the account, if anything has happened since the last look.
    pub(crate) fn look(&mut self, world: &World) {
        let seen = (world.journal.all().len(), world.elbv2.writes().len());
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let now = world.now_ms();
        self.live = truth::live_targets(world);
        let mut registered: BTreeMap<&str, BTreeSet<(String, u16)>> = BTreeMap::new();
        for target in &self.live {
            let place = place_of(target);
            let key = format!("{}/{}", target.cluster, target.service);
            self.held
                .entry((place.clone(), key))
                .or_default()
                .insert(target.task_arn.clone(), None);
            let running = target.last_status == "RUNNING" && target.desired_status == "RUNNING";
            let group = target.target_group_arn.as_str();
            let there = registered.entry(group).or_insert_with(|| registered_in(world, group));
            if running && !there.contains(&(target.id.clone(), target.port)) {
                self.first_absent.entry((place, target.task_arn.clone())).or_insert(now);
            }
        }
        let alive: BTreeSet<&str> =
            self.live.iter().map(|target| target.task_arn.as_str()).collect();
        for tasks in self.held.values_mut() {
            for (_, gone) in tasks
                .iter_mut()
                .filter(|(task, gone)| gone.is_none() && !alive.contains(task.as_str()))
            {
                *gone = Some(now);
            }
        }
    }

    /// The targets of all live tasks, at the last look.
    pub(crate) fn live(&self) -> &[LiveTarget] {
        &self.live
    }

    /// The live tasks whose target this is.
    pub(crate) fn live_at<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a LiveTarget> {
        self.live.iter().filter(move |target| place_of(target) == *place)
    }

    /// When the tasks of a service that had this target were gone, the earliest first. Live ones
    /// are not among them.
    pub(crate) fn gone_at(&self, place: &Place, service: &str) -> Vec<u64> {
        let tasks = self.held.get(&(place.clone(), service.to_owned()));
        let mut gone: Vec<u64> =
            tasks.into_iter().flat_map(BTreeMap::values).copied().flatten().collect();
        gone.sort_unstable();
        gone
    }

    /// The task of a service that had this target last, among those that are gone, and when it was
    /// gone.
    pub(crate) fn last_gone(&self, place: &Place, service: &str) -> Option<(&str, u64)> {
        let tasks = self.held.get(&(place.clone(), service.to_owned()))?.iter();
        tasks
            .filter_map(|(task, gone)| Some((task.as_str(), (*gone)?)))
            .max_by_key(|(_, gone)| *gone)
    }

    /// Whether a task of this service was on that address, whatever group it belonged in, later
    /// than that.
    pub(crate) fn was_on(&self, place: &Place, service: &str, later_than: u64) -> bool {
        let here = |other: &Place| other.id == place.id && other.port == place.port;
        let later = |gone: &Option<u64>| gone.is_none_or(|at| at > later_than);
        self.held
            .iter()
            .any(|((other, key), tasks)| here(other) && key == service && tasks.values().any(later))
    }

    /// Some task of some service has, or had, this target.
    pub(crate) fn was_anybodys(&self, place: &Place) -> bool {
        self.held.keys().any(|(other, _)| other == place)
    }

    /// Since when this running task's target has been missing at least once.
    pub(crate) fn first_absent(&self, place: &Place, task: &str) -> Option<u64> {
        self.first_absent.get(&(place.clone(), task.to_owned())).copied()
    }

    /// Targets that belong to nobody now and belonged to a task of this service: what a careless
    /// tool leaves behind.
    pub(crate) fn left_by<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Place> {
        let of_service = move |(_, key): &&(Place, String)| key == service;
        self.held
            .keys()
            .filter(of_service)
            .map(|(place, _)| place)
            .filter(|place| self.live_at(place).next().is_none())
    }
}

pub(crate) fn place_of(target: &LiveTarget) -> Place {
    Place { group: target.target_group_arn.clone(), id: target.id.clone(), port: target.port }
}

/// What is registered in a group and not draining.
pub(crate) fn registered_in(world: &World, group: &str) -> BTreeSet<(String, u16)> {
    let targets = truth::registered(world, group).into_iter();
    targets.filter(|(_, _, state)| *state != "draining").map(|(id, port, _)| (id, port)).collect()
}
