//! What every action gets: the account, its history, and chance.

use super::account::{Account, ServiceModel};
use super::history::History;
use fastrand::Rng;
use portkeeper_stage::StageError;
use portkeeper_world::World;

/// What an action may look at and change.
pub(crate) struct Scene<'a> {
    pub world: &'a mut World,
    pub account: &'a mut Account,
    pub history: &'a History,
    pub random: &'a mut Rng,
}

/// A service by chance.
pub(crate) fn service(scene: &mut Scene<'_>) -> Result<ServiceModel, StageError> {
    Ok(scene.random.choice(scene.account.services.iter()).ok_or("no service")?.clone())
}
