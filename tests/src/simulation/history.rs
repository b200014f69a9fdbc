//! The judge's own history: what was true at which time, independent of Portkeeper's ledger.
//!
//! It reads [`truth`](portkeeper_world::truth) whenever the account has changed.

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

/// Every target that a task ever had.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By target and `cluster/service`: the tasks that had the target, and when each was found
    /// stopped.
    held: BTreeMap<(Place, String), BTreeMap<String, Option<u64>>>,
    /// When each task was first seen on its way out, unless it never ran.
    leaving: BTreeMap<String, u64>,
    /// When each task was first seen running.
    ran: BTreeMap<String, u64>,
    /// The tasks whose targets ECS deregistered, as events say: what is registered there afterwards
    /// is not the task's, even if ECS had registered nothing.
    deregistered: BTreeSet<String>,
    /// When the agent of each task was last seen disconnected.
    disconnected: BTreeMap<String, u64>,
    /// The time since which a RUNNING task's target has been missing at least once.
    first_absent: BTreeMap<(Place, String), u64>,
    /// When a target that belonged to no task was last healthy, by the cluster whose task answered
    /// there. Without a cluster: something answered that ECS does not show.
    served: BTreeMap<(Place, Option<String>), u64>,
    /// When a task of this `cluster/service` last used the address of a registered target that
    /// belonged to no task, by any of its ports.
    on_address: BTreeMap<((String, u16), String), u64>,
    /// The time since which something that ECS does not show has answered on a healthy target.
    outsiders: BTreeMap<Place, u64>,
    /// The last reading.
    live: Vec<LiveTarget>,
    /// The length of the journal and of the list of writes at the last reading.
    seen: (usize, usize),
}

impl History {
    /// Reads the account if it has changed since the last reading.
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
            if target.last_status == "RUNNING" {
                self.ran.entry(target.task_arn.clone()).or_insert(now);
            }
            if target.desired_status == "STOPPED" {
                self.leaving.entry(target.task_arn.clone()).or_insert(now);
            }
            if !target.connected {
                self.disconnected.insert(target.task_arn.clone(), now);
            }
            if target.deregistered {
                self.deregistered.insert(target.task_arn.clone());
            }
            let group = target.target_group_arn.as_str();
            let there = registered.entry(group).or_insert_with(|| registered_in(world, group));
            if running && !there.contains(&(target.id.clone(), target.port)) {
                self.first_absent.entry((place, target.task_arn.clone())).or_insert(now);
            }
        }
        self.look_at_strangers(world);
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

    /// Notes who answers on healthy targets that belong to no task.
    fn look_at_strangers(&mut self, world: &World) {
        let owned: BTreeSet<Place> = self.live.iter().map(place_of).collect();
        let mut outsiders = BTreeMap::new();
        for group in truth::groups(world) {
            for (id, port, state) in truth::registered(world, group) {
                let place = Place { group: group.to_owned(), id, port };
                if owned.contains(&place) {
                    continue;
                }
                let answers = truth::answering(world, &place.id, port);
                if let Some(task) = &answers {
                    let key = format!("{}/{}", task.cluster, task.service);
                    self.on_address.insert(((place.id.clone(), port), key), world.now_ms());
                }
                if state != "healthy" {
                    continue;
                }
                let answers = answers.map(|it| it.cluster);
                let hidden = truth::is_answered_by_unlisted(world, &place.id, port);
                if hidden {
                    let since = self.outsiders.get(&place).copied().unwrap_or(world.now_ms());
                    outsiders.insert(place.clone(), since);
                }
                if hidden || answers.is_some() {
                    let by = answers.filter(|_| !hidden);
                    self.served.insert((place, by), world.now_ms());
                }
            }
        }
        self.outsiders = outsiders;
    }

    /// Returns since when something that ECS does not show has answered on the target, if it is
    /// healthy.
    pub(crate) fn served_since(&self, place: &Place) -> Option<u64> {
        self.outsiders.get(place).copied()
    }

    /// Returns whether something that a check of a service in this cluster need not know of
    /// answered on the target at or after that time, while it was healthy and belonged to no task.
    pub(crate) fn was_served(&self, place: &Place, cluster: &str, since: u64) -> bool {
        let strange = |by: &Option<String>| by.as_deref() != Some(cluster);
        self.served.iter().any(|((other, by), at)| other == place && strange(by) && *at >= since)
    }

    /// Returns the targets of all live tasks at the last reading.
    pub(crate) fn live(&self) -> &[LiveTarget] {
        &self.live
    }

    /// Returns whether a live task of this service has a target in the group.
    pub(crate) fn has_task(&self, service: &str, group: &str) -> bool {
        self.live.iter().any(|target| {
            target.target_group_arn == group
                && format!("{}/{}", target.cluster, target.service) == service
        })
    }

    /// Returns the live tasks that have this target.
    pub(crate) fn live_at<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a LiveTarget> {
        self.live.iter().filter(move |target| place_of(target) == *place)
    }

    /// Returns when the tasks of a service that had this target stopped, the earliest first,
    /// without live tasks.
    pub(crate) fn gone_at(&self, place: &Place, service: &str) -> Vec<u64> {
        let tasks = self.held.get(&(place.clone(), service.to_owned()));
        let mut gone: Vec<u64> =
            tasks.into_iter().flat_map(BTreeMap::values).copied().flatten().collect();
        gone.sort_unstable();
        gone
    }

    /// Returns the stopped task of a service that had this target last, and when it stopped.
    pub(crate) fn last_gone(&self, place: &Place, service: &str) -> Option<(&str, u64)> {
        let tasks = self.held.get(&(place.clone(), service.to_owned()))?.iter();
        tasks
            .filter_map(|(task, gone)| Some((task.as_str(), (*gone)?)))
            .max_by_key(|(_, gone)| *gone)
    }

    /// Returns whether events said that ECS had deregistered the task's targets.
    pub(crate) fn is_deregistered(&self, task: &str) -> bool {
        self.deregistered.contains(task)
    }

    /// Returns since when the task, which ran, was on its way out.
    pub(crate) fn leaving_since(&self, task: &str) -> Option<u64> {
        self.leaving.get(task).filter(|_| self.ran.contains_key(task)).copied()
    }

    /// Returns whether the task's agent was seen disconnected after that time.
    pub(crate) fn was_disconnected(&self, task: &str, after: u64) -> bool {
        self.disconnected.get(task).is_some_and(|at| *at > after)
    }

    /// Returns when the task was first seen running.
    pub(crate) fn ran_since(&self, task: &str) -> Option<u64> {
        self.ran.get(task).copied()
    }

    /// Returns whether a task of this service, in any group or none, used this address after that
    /// time.
    pub(crate) fn was_on(&self, place: &Place, service: &str, later_than: u64) -> bool {
        let used = ((place.id.clone(), place.port), service.to_owned());
        if self.on_address.get(&used).is_some_and(|at| *at > later_than) {
            return true;
        }
        let here = |other: &Place| other.id == place.id && other.port == place.port;
        let later = |gone: &Option<u64>| gone.is_none_or(|at| at > later_than);
        self.held
            .iter()
            .any(|((other, key), tasks)| here(other) && key == service && tasks.values().any(later))
    }

    /// Returns whether a task of any service has or had this target.
    pub(crate) fn was_anybodys(&self, place: &Place) -> bool {
        self.held.keys().any(|(other, _)| other == place)
    }

    /// Returns the time since which this running task's target has been missing at least once.
    pub(crate) fn first_absent(&self, place: &Place, task: &str) -> Option<u64> {
        self.first_absent.get(&(place.clone(), task.to_owned())).copied()
    }

    /// Returns the former targets of this service that belong to no task now, as a careless tool
    /// leaves them registered.
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

/// Returns the registered targets of a group that are not draining.
pub(crate) fn registered_in(world: &World, group: &str) -> BTreeSet<(String, u16)> {
    let targets = truth::registered(world, group).into_iter();
    targets.filter(|(_, _, state)| *state != "draining").map(|(id, port, _)| (id, port)).collect()
}
