//! Test controls for subnets.

use super::state::network::DEFAULT_VPC;
use crate::World;

impl World {
    /// Adds a subnet of 4096 addresses. The number n determines its range, 10.(n / 16).((n % 16) *
    /// 16).0/20, so it must be unique.
    pub fn add_subnet(&mut self, id: &str, vpc: &str, zone: &str, number: u16) {
        self.ecs.network.add(id, vpc, zone, number);
    }

    /// Sets which addresses new network interfaces in this subnet get.
    pub fn set_subnet_addresses(&mut self, id: &str, v4: bool, v6: bool) {
        if let Some(subnet) = self.ecs.network.subnet_mut(id) {
            (subnet.v4, subnet.v6) = (v4, v6);
        }
    }

    /// The subnets of the default VPC, one in each of the zones a, b and c; created on first use.
    pub fn default_subnets(&mut self) -> Vec<String> {
        for (letter, number) in [('a', 0), ('b', 1), ('c', 2)] {
            let id = format!("subnet-0c0ffee00000000{letter}{number}");
            if self.ecs.network.subnet(&id).is_none() {
                let zone = self.account.zone(letter);
                self.add_subnet(&id, DEFAULT_VPC, &zone, number);
            }
        }
        self.ecs.network.subnet_ids(DEFAULT_VPC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_address_is_the_next_one_assigned() {
        let mut world = World::new(1, 0);
        let subnet = world.default_subnets().remove(1);
        world.set_subnet_addresses(&subnet, true, true);
        let network = &mut world.ecs.network;
        let (first, v6) = network.take(&subnet).unwrap();
        let _second = network.take(&subnet).unwrap();
        assert_eq!(first.as_deref(), Some("10.0.16.4"));
        assert!(network.subnet_of(DEFAULT_VPC, v6.as_deref().unwrap()).is_some());
        network.release(&subnet, "10.0.16.4");
        assert_eq!(network.take(&subnet).unwrap().0, first);
    }
}
