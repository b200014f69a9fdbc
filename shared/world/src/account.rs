//! The simulated account's partition, Region and number, and the identifiers of new resources.
//!
//! Knows the formats of ARNs and identifiers, not what they identify.

use fastrand::Rng;

/// Partition, Region and number of the simulated account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// Such as `eu-west-1`.
    pub region: String,
    /// Twelve digits.
    pub number: String,
}

impl Default for Account {
    fn default() -> Self {
        Self::new("aws", "eu-west-1", "111122223333")
    }
}

impl Account {
    #[must_use]
    pub fn new(partition: &str, region: &str, number: &str) -> Self {
        Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            number: number.to_owned(),
        }
    }

    /// An account in China (Beijing).
    #[must_use]
    pub fn china() -> Self {
        Self::new("aws-cn", "cn-north-1", "111122223333")
    }

    /// An account in AWS `GovCloud` (US-West).
    #[must_use]
    pub fn gov_cloud() -> Self {
        Self::new("aws-us-gov", "us-gov-west-1", "111122223333")
    }

    /// The ARN of a regional resource, such as `("ecs", "cluster/shop")`.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.number)
    }

    /// An ECS ARN: kind, such as `task`, and path, such as `shop/1f3a...`.
    #[must_use]
    pub fn ecs_arn(&self, kind: &str, path: &str) -> String {
        self.arn("ecs", &format!("{kind}/{path}"))
    }

    /// An ELBv2 ARN: kind, such as `targetgroup`, and path, such as `web-tg/73e2d6bc24d8a067`.
    #[must_use]
    pub fn elb_arn(&self, kind: &str, path: &str) -> String {
        self.arn("elasticloadbalancing", &format!("{kind}/{path}"))
    }

    /// The ARN of a service-linked or plain role. IAM ARNs have no Region.
    #[must_use]
    pub fn role_arn(&self, path: &str) -> String {
        format!("arn:{}:iam::{}:role/{path}", self.partition, self.number)
    }

    /// The Availability Zone of this Region with the given letter, such as `eu-west-1a`.
    #[must_use]
    pub fn zone(&self, letter: char) -> String {
        format!("{}{letter}", self.region)
    }
}

/// Identifiers of new resources. The same seed gives the same sequence.
#[derive(Debug)]
pub struct Ids {
    rng: Rng,
}

impl Ids {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed) }
    }

    /// Lower-case hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| self.rng.digit(16)).collect()
    }

    /// A task or container instance id: 32 hexadecimal digits.
    pub fn task(&mut self) -> String {
        self.hex(32)
    }

    pub fn instance(&mut self) -> String {
        format!("i-0{}", self.hex(16))
    }

    /// The id that Systems Manager assigns to an external instance (ECS Anywhere).
    pub fn managed_instance(&mut self) -> String {
        format!("mi-0{}", self.hex(16))
    }

    /// The 19 digits that a deployment, its service revision and its tasks' `startedBy` share.
    pub fn deployment(&mut self) -> String {
        std::iter::once(self.rng.char('1'..='9'))
            .chain((1..19).map(|_| self.rng.digit(10)))
            .collect()
    }

    /// The id of an elastic network interface.
    pub fn eni(&mut self) -> String {
        format!("eni-0{}", self.hex(16))
    }

    /// The 16 hexadecimal digits at the end of load balancer, listener, rule and target group ARNs.
    pub fn suffix(&mut self) -> String {
        self.hex(16)
    }

    /// The version of an S3 object: 32 letters, digits, dots and underscores.
    pub fn object_version(&mut self) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
        (0..32).filter_map(|_| self.rng.choice(LETTERS)).map(|letter| char::from(*letter)).collect()
    }

    /// A UUID, as in event ids, attachment ids and container ARNs.
    pub fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|digits| self.hex(digits)).join("-")
    }

    /// A MAC address of a network interface.
    pub fn mac(&mut self) -> String {
        let tail: Vec<String> = (0..5).map(|_| self.hex(2)).collect();
        format!("0a:{}", tail.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_carry_the_partition() {
        assert_eq!(
            Account::china().ecs_arn("cluster", "shop"),
            "arn:aws-cn:ecs:cn-north-1:111122223333:cluster/shop"
        );
        assert_eq!(
            Account::gov_cloud().elb_arn("targetgroup", "web/1"),
            "arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:111122223333:targetgroup/web/1"
        );
    }

    #[test]
    fn identifiers_repeat_with_the_seed_and_have_the_right_shape() {
        let (mut one, mut two) = (Ids::new(7), Ids::new(7));
        assert_eq!(one.task(), two.task());
        assert_eq!(one.task().len(), 32);
        assert_eq!(one.deployment().len(), 19);
        assert_eq!(one.instance().len(), 19);
        assert_eq!(one.uuid().len(), 36);
    }
}
