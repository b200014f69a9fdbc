//! Images that do not work: how a new revision of a service fails.
//!
//! Knows images by name; when a task is affected is `lifecycle`'s business.

use super::definition::TaskDefinition;
use super::task::Answer;
use crate::World;
use std::collections::BTreeMap;

/// What is wrong with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It cannot be pulled: the task never starts.
    CannotBePulled,
    /// Its program exits as soon as the task runs.
    Exits,
    /// Its program runs and answers health checks like this.
    Answers(Answer),
}

/// The images that do not work, by their name with tag.
pub(crate) type Images = BTreeMap<String, Broken>;

impl World {
    /// Tasks with a container of this image fail from now on, in that way; those that run already
    /// run on.
    pub fn break_image(&mut self, image: &str, how: Broken) {
        self.ecs.broken_images.insert(image.to_owned(), how);
    }

    /// The image works again.
    pub fn mend_image(&mut self, image: &str) {
        self.ecs.broken_images.remove(image);
    }
}

/// What is wrong with the first container of a task definition that has something wrong, and its
/// image.
pub(crate) fn of<'a>(world: &World, definition: &'a TaskDefinition) -> Option<(Broken, &'a str)> {
    let mut images = definition.containers.iter().map(|container| container.image.as_str());
    images.find_map(|image| Some((*world.ecs.broken_images.get(image)?, image)))
}
