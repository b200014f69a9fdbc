//! All tasks of the account.

use super::task::Task;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::OnceLock;

/// Tasks by id. A caller that may change a task gets it from here, and the task forgets the form in
/// which responses show it.
#[derive(Debug, Default)]
pub(crate) struct Tasks(BTreeMap<String, Task>);

impl Tasks {
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Task> {
        self.0.get_mut(id).map(forget_shown)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Task> {
        self.0.values_mut().map(forget_shown)
    }

    pub(crate) fn insert(&mut self, task: Task) {
        self.0.insert(task.id.clone(), task);
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Task> {
        self.0.remove(id)
    }
}

fn forget_shown(task: &mut Task) -> &mut Task {
    task.shown = OnceLock::new();
    task
}

impl Deref for Tasks {
    type Target = BTreeMap<String, Task>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
