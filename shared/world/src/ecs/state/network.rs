//! Subnets and the addresses of network interfaces in them.
//!
//! The lowest free address is assigned first, so that another task soon gets a released address:
//! the awsvpc form of port reuse. Knows nothing of tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The default VPC.
pub const DEFAULT_VPC: &str = "vpc-0c0ffee0000000001";

/// Addresses per subnet (a /20). AWS reserves the first four.
const SUBNET_SIZE: u32 = 4096;
const FIRST_HOST: u32 = 4;

#[derive(Debug)]
pub(crate) struct Subnet {
    pub id: String,
    pub vpc: String,
    pub zone: String,
    base: u32,
    /// Whether interfaces get an IPv4 and an IPv6 address.
    pub v4: bool,
    pub v6: bool,
    used: BTreeSet<u32>,
}

impl Subnet {
    fn v6_base(&self) -> u128 {
        0x2600_1f18_0000_0000_0000_0000_0000_0000 | (u128::from(self.base) << 64)
    }

    /// The lowest free host number and its addresses.
    fn take(&mut self) -> Option<(Option<String>, Option<String>)> {
        let host = (FIRST_HOST..SUBNET_SIZE - 1).find(|host| !self.used.contains(host))?;
        self.used.insert(host);
        let v4 = self.v4.then(|| Ipv4Addr::from(self.base + host).to_string());
        let v6 = self.v6.then(|| Ipv6Addr::from(self.v6_base() + u128::from(host)).to_string());
        Some((v4, v6))
    }

    fn host_of(&self, address: IpAddr) -> Option<u32> {
        let host = match address {
            IpAddr::V4(v4) => u32::from(v4).checked_sub(self.base)?,
            IpAddr::V6(v6) => u32::try_from(u128::from(v6).checked_sub(self.v6_base())?).ok()?,
        };
        (host < SUBNET_SIZE).then_some(host)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    subnets: BTreeMap<String, Subnet>,
}

impl Network {
    /// Adds a subnet of 4096 addresses, the `number`th of 10.0.0.0/8.
    pub(crate) fn add(&mut self, id: &str, vpc: &str, zone: &str, number: u16) {
        let base = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + u32::from(number) * SUBNET_SIZE;
        let subnet = Subnet {
            id: id.to_owned(),
            vpc: vpc.to_owned(),
            zone: zone.to_owned(),
            base,
            v4: true,
            v6: false,
            used: BTreeSet::new(),
        };
        self.subnets.insert(id.to_owned(), subnet);
    }

    pub(crate) fn subnet_mut(&mut self, id: &str) -> Option<&mut Subnet> {
        self.subnets.get_mut(id)
    }

    pub(crate) fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnets.get(id)
    }

    pub(crate) fn subnet_ids(&self, vpc: &str) -> Vec<String> {
        self.subnets
            .values()
            .filter(|subnet| subnet.vpc == vpc)
            .map(|subnet| subnet.id.clone())
            .collect()
    }

    /// The subnet of this VPC whose range contains the address.
    pub(crate) fn subnet_of(&self, vpc: &str, address: &str) -> Option<&Subnet> {
        let address = address.parse().ok()?;
        self.subnets.values().find(|subnet| subnet.vpc == vpc && subnet.host_of(address).is_some())
    }

    pub(crate) fn take(&mut self, subnet: &str) -> Option<(Option<String>, Option<String>)> {
        self.subnets.get_mut(subnet)?.take()
    }

    pub(crate) fn release(&mut self, subnet: &str, address: &str) {
        if let Some(subnet) = self.subnets.get_mut(subnet)
            && let Ok(address) = address.parse()
            && let Some(host) = subnet.host_of(address)
        {
            subnet.used.remove(&host);
        }
    }
}
