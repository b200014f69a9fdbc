//! The state of container instances and their EC2 instances, and the ECS agent's choice of dynamic
//! host ports.
//!
//! Knows no tasks, services or target groups.

use std::collections::BTreeSet;

#[derive(Debug)]
pub(crate) struct Host {
    pub zone: String,
    pub vpc: String,
    pub running: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstanceStatus {
    Active,
    Draining,
    Inactive,
}

impl InstanceStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// A container instance of a cluster.
#[derive(Debug)]
pub(crate) struct Instance {
    pub id: String,
    pub cluster: String,
    /// EC2 instance id, or the `mi-` id of an external instance.
    pub ec2_id: String,
    pub zone: String,
    pub status: InstanceStatus,
    pub connected: bool,
    pub external: bool,
    pub ports: PortAllocator,
    /// The number of tasks on it. Cached here because every placement needs it.
    pub load: usize,
    pub registered_ms: u64,
    pub version: u64,
}

/// The agent's allocation of dynamic host ports on one instance.
///
/// From amazon-ecs-agent `agent/utils/ephemeral_ports.go` (1.70 and later): scan upward from the
/// last assigned port + 1 to the end of the range, then from its start, and take the first port
/// that is free *on this instance*. The last assigned port is kept in memory only, so after an
/// agent restart the scan starts at the low end again, even if target groups still have those
/// ports.
#[derive(Debug, Default)]
pub struct PortAllocator {
    last_assigned: u16,
    used: BTreeSet<u16>,
}

impl PortAllocator {
    /// The lowest dynamic port (`/proc/sys/net/ipv4/ip_local_port_range` of the ECS-optimized AMI).
    pub const LOW: u16 = 32_768;
    /// The highest dynamic port.
    pub const HIGH: u16 = 60_999;

    /// Allocates `count` consecutive ports that are free here and on the host, and returns the first.
    pub fn assign(&mut self, count: u16, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        let start = self.last_assigned.saturating_add(1).max(Self::LOW);
        let last_start = Self::HIGH.checked_sub(count.checked_sub(1)?)?;
        let free = |first: &u16| {
            (*first..=*first + (count - 1)).all(|port| !self.used.contains(&port) && is_free(port))
        };
        let first = (start..=last_start).chain(Self::LOW..=last_start.min(start)).find(free)?;
        self.last_assigned = first + (count - 1);
        self.used.extend(first..=first + (count - 1));
        Some(first)
    }

    /// Allocates a static port, if it is free.
    pub fn occupy(&mut self, port: u16) -> bool {
        self.used.insert(port)
    }

    #[must_use]
    pub fn is_free(&self, port: u16) -> bool {
        !self.used.contains(&port)
    }

    pub fn release(&mut self, port: u16) {
        self.used.remove(&port);
    }

    /// The agent restarts: it loses the last assigned port, not the ports in use.
    pub fn restart(&mut self) {
        self.last_assigned = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_scanned_upward_and_reused_only_after_a_restart() {
        let mut ports = PortAllocator::default();
        assert_eq!(ports.assign(1, |_| true), Some(32_768));
        assert_eq!(ports.assign(1, |_| true), Some(32_769));
        ports.release(32_768);
        assert_eq!(ports.assign(1, |_| true), Some(32_770), "the scan continues upward");
        ports.restart();
        assert_eq!(
            ports.assign(1, |_| true),
            Some(32_768),
            "the lowest locally free port after a restart"
        );
        assert_eq!(ports.assign(1, |_| true), Some(32_771), "used ports are skipped");
    }

    #[test]
    fn the_scan_wraps_and_ends() {
        let mut ports = PortAllocator { last_assigned: PortAllocator::HIGH, used: BTreeSet::new() };
        assert_eq!(ports.assign(1, |_| true), Some(32_768));
        let mut full = PortAllocator {
            last_assigned: 0,
            used: (PortAllocator::LOW..=PortAllocator::HIGH).collect(),
        };
        assert_eq!(full.assign(1, |_| true), None);
    }

    #[test]
    fn ranges_are_contiguous() {
        let mut ports = PortAllocator::default();
        ports.occupy(32_770);
        assert_eq!(ports.assign(3, |_| true), Some(32_771));
        assert_eq!(ports.assign(1, |_| true), Some(32_774));
    }
}
