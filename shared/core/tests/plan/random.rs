//! A thousand small generated worlds. Every check of each world must hold the properties.

use crate::text_world::run;
use fastrand::Rng;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const WORLDS: u64 = 1000;
const LOOKS: usize = 4;

/// Holds I-PARTIAL, I-PROOF, I-ADDRESS, I-FIRST, I-COMPLETE, C-19 to 29: rules 1, 3, 4, 5 and 8 of
/// the design, whatever the world.
#[test]
fn no_world_leads_to_a_wrong_write() {
    for seed in 0..WORLDS {
        let text = Writer::of(seed).write();
        let ran = std::panic::catch_unwind(|| run(&text));
        assert!(ran.is_ok(), "seed {seed}:\n{text}");
    }
}

// Otherwise the test above would prove nothing.
#[test]
fn the_worlds_lead_to_repairs_of_every_kind() {
    let all: String = (0..WORLDS / 2).map(|seed| run(&Writer::of(seed).write())).collect();
    for word in [
        "plan: register",
        "deregister web",
        "| missing |",
        "| stale |",
        "| hijacked |",
        "| foreign |",
        "resolved",
    ] {
        assert!(all.matches(word).count() > 10, "`{word}` is rare");
    }
    for word in [
        "which also uses this group",
        "of service prod-2/twin, which also uses",
        "may be about to use its address",
        "it may belong to task",
        "limit_exceeded",
        "| unknown |",
        "the service is being deleted: ",
        "the service is deleted: ",
        "; the service no longer uses this target group: confirmed by a second check",
    ] {
        assert!(all.contains(word), "`{word}` never comes up");
    }
}

/// Writes a world: facts, then checks with changes between them. Few instances and ports, so that
/// ports are reused.
struct Writer {
    rng: Rng,
    text: String,
    by_address: bool,
    tasks: usize,
    /// Where live tasks are: two cannot be on one port.
    taken: BTreeSet<String>,
    /// Live tasks: name, place and target.
    live: Vec<(String, String, String)>,
}

impl Writer {
    fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let by_address = rng.u8(..4) == 0;
        Self {
            rng,
            text: String::new(),
            by_address,
            tasks: 0,
            taken: BTreeSet::new(),
            live: Vec::new(),
        }
    }

    fn write(mut self) -> String {
        if self.by_address {
            self.line("group web type=ip");
            self.line("service shop/web binds web to app:8080");
        } else {
            self.line("group web");
            self.line("definition web:1 bridge app:8080");
            self.line("definition twin:1 bridge app:80");
            self.line("service shop/web binds web to app:8080");
        }
        self.line("group next");
        let (tasks, other_tasks, targets) =
            (self.rng.usize(1..7), self.rng.usize(..4), self.rng.usize(..6));
        (0..tasks).for_each(|_| self.task());
        (0..other_tasks).for_each(|_| self.owner());
        (0..targets).for_each(|_| self.target());
        (0..self.rng.usize(..3)).for_each(|_| self.known());
        for _ in 0..LOOKS {
            let after = [20, 60, 60, 100, 700][self.rng.usize(..5)];
            let answer = ["", "", "", "unsent", "fails x", "refused x"][self.rng.usize(..6)];
            self.line(&format!("look after {after}s {answer}"));
            (0..self.rng.usize(..3)).for_each(|_| self.change());
        }
        self.text
    }

    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").unwrap();
    }

    fn name(&mut self) -> String {
        self.tasks += 1;
        format!("t{}", self.tasks)
    }

    /// A place: how a task that is there is written, and the target that leads to it.
    fn place(&mut self) -> (String, String) {
        if self.by_address {
            let ip = format!("10.0.0.{}", self.rng.u8(1..6));
            (format!("ip {ip}"), format!("{ip}:8080"))
        } else {
            let (instance, port) = (self.rng.u8(1..3), 32768 + u32::from(self.rng.u8(..5)));
            (format!("on i-{instance} app:8080->{port}"), format!("i-{instance}:{port}"))
        }
    }

    fn free_place(&mut self) -> Option<(String, String)> {
        let (place, target) = self.place();
        self.taken.insert(target.clone()).then_some((place, target))
    }

    fn task(&mut self) {
        let name = self.name();
        if self.rng.u8(..3) == 0 {
            let (place, _) = self.place();
            let ago = self.rng.u32(10..2000);
            self.line(&format!("task {name} STOPPED/STOPPED {place} ended {ago}s"));
            return;
        }
        let Some((place, target)) = self.free_place() else { return };
        let state = match self.rng.u8(..8) {
            0 => "RUNNING/STOPPED",
            1 => "PENDING/RUNNING",
            2 => "DEACTIVATING/STOPPED",
            _ => "RUNNING/RUNNING",
        };
        let extra = ["", "", "", "", "", "disconnected", "unlisted", "unread"][self.rng.usize(..8)];
        let age = self.rng.u32(10..1000);
        self.line(&format!("task {name} {state} {place} for {age}s {extra}"));
        if extra != "unread" && self.rng.u8(..3) > 0 {
            self.line(&format!("target web {target} healthy"));
        }
        self.live.push((name, place, target));
    }

    /// An address may be a task's of another cluster; an instance is in one cluster only.
    fn cluster(&mut self) -> &'static str {
        if self.by_address && self.rng.u8(..3) == 0 { "in prod-2" } else { "" }
    }

    fn owner(&mut self) {
        let (name, cluster) = (self.name(), self.cluster());
        let groups = ["web", "billing", "billing", "web,billing", "?"][self.rng.usize(..5)];
        if self.rng.u8(..4) == 0 {
            let place = if self.by_address {
                "ip ?".to_owned()
            } else {
                format!("on i-{}", self.rng.u8(1..3))
            };
            self.line(&format!(
                "owner twin/{name} PENDING/RUNNING {place} groups {groups} {cluster}"
            ));
            return;
        }
        let Some((place, target)) = self.free_place() else { return };
        self.line(&format!("owner twin/{name} RUNNING/RUNNING {place} groups {groups} {cluster}"));
        if groups.contains("web") {
            self.line(&format!("target web {target} healthy"));
        }
    }

    fn target(&mut self) {
        let (_, target) = self.place();
        let state = ["healthy", "unhealthy", "initial", "draining", "unused Target.NotInUse"]
            [self.rng.usize(..5)];
        self.line(&format!("target web {target} {state}"));
    }

    fn known(&mut self) {
        let (_, target) = self.place();
        let task = self.rng.usize(1..10);
        let released = if self.rng.u8(..4) == 0 { "released 5m ago" } else { "" };
        self.line(&format!("known web {target} t{task} {released}"));
    }

    fn change(&mut self) {
        match self.rng.u8(..10) {
            0 | 1 => self.task(),
            2 => self.target(),
            3 => {
                let (_, target) = self.place();
                self.line(&format!("target web {target} gone"));
            }
            4 | 5 => self.stop(),
            6 => self.owner(),
            7 => {
                let gap =
                    ["tasks", "owners", "elsewhere", "none", "none", "none"][self.rng.usize(..6)];
                self.line(&format!("gap {gap}"));
            }
            8 => self.service(),
            _ => {
                let task = self.rng.usize(1..10);
                let version = self.rng.u8(1..3);
                self.line(&format!("event t{task} v{version}"));
            }
        }
    }

    /// The service is deleted, is made again, leaves its group or returns to it.
    fn service(&mut self) {
        let what = [
            "binds web to app:8080",
            "binds web to app:8080",
            "binds web to app:8080 status=DRAINING desired=0",
            "binds web to app:8080 status=INACTIVE desired=0",
            "binds web to app:8080 desired=0",
            "binds next to app:8080",
            "binds nothing",
            "gone",
        ][self.rng.usize(..8)];
        self.line(&format!("service shop/web {what}"));
    }

    /// A live task ends. ECS forgets one in three at once; its target stays, and its place may be
    /// taken.
    fn stop(&mut self) {
        if self.live.is_empty() {
            return;
        }
        let (name, place, target) = self.live.swap_remove(self.rng.usize(..self.live.len()));
        let end = if self.rng.u8(..3) == 0 { "gone" } else { "STOPPED/STOPPED ended now v2" };
        self.line(&format!("task {name} {end}"));
        if self.rng.bool() {
            let (groups, cluster) =
                (["billing", "billing", "web", "?"][self.rng.usize(..4)], self.cluster());
            // A task that used the place in between may not have stopped yet.
            if self.rng.bool() {
                self.line(&format!("owner twin/a-{name} STOPPING/STOPPED {place} groups billing"));
            }
            self.line(&format!(
                "owner twin/after-{name} RUNNING/RUNNING {place} groups {groups} {cluster}"
            ));
        } else {
            self.taken.remove(&target);
        }
    }
}
