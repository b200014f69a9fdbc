//! The input of every action: the account, its history, and the random sources.

use super::account::{Account, ServiceModel};
use super::history::History;
use super::mutation::Mutation;
use super::stats::Stats;
use fastrand::Rng;
use portkeeper_stage::StageError;
use portkeeper_world::World;

/// What an action may read and change.
pub(crate) struct Scene<'a> {
    pub world: &'a mut World,
    pub account: &'a mut Account,
    pub history: &'a History,
    pub random: &'a mut Rng,
    pub mutation: Option<Mutation>,
    pub stats: &'a mut Stats,
}

/// Returns a random service.
pub(crate) fn service(scene: &mut Scene<'_>) -> Result<ServiceModel, StageError> {
    Ok(scene.random.choice(scene.account.services.iter()).ok_or("no service")?.clone())
}
