//! Broken images, with which a test makes a new revision of a service fail.
//!
//! Knows images by name. `task::lifecycle` applies the failure.

use super::definition::TaskDefinition;
use super::task::Answer;
use crate::World;
use std::collections::BTreeMap;

/// How an image fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It cannot be pulled: the task never starts.
    CannotBePulled,
    /// Its program exits as soon as the task is RUNNING.
    Exits,
    /// Its program runs and gives this answer to health checks.
    Answers(Answer),
}

/// The broken images, by name with tag.
pub(crate) type Images = BTreeMap<String, Broken>;

impl World {
    /// New tasks with a container of this image fail in this way. Running tasks are not affected.
    pub fn break_image(&mut self, image: &str, how: Broken) {
        self.ecs.broken_images.insert(image.to_owned(), how);
    }

    /// The image works again.
    pub fn restore_image(&mut self, image: &str) {
        self.ecs.broken_images.remove(image);
    }
}

/// The failure and the image of the first container with a broken image, if any.
pub(crate) fn of<'a>(world: &World, definition: &'a TaskDefinition) -> Option<(Broken, &'a str)> {
    let mut images = definition.containers.iter().map(|container| container.image.as_str());
    images.find_map(|image| Some((*world.ecs.broken_images.get(image)?, image)))
}
