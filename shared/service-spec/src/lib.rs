//! Services from specs: reads a spec file, finds its problems, and plans the steps to apply it.
//! This crate knows AWS's input shapes by their names, and the rules of ECS and ELBv2 for them. It
//! must not know how anything is read or written: existing resources come in as [`found::Found`],
//! and planned writes go out as [`steps::SpecPlan`]. The processing of one object, in the order of
//! the calls:
//!
//! ```text
//! notice::read       message of the queue -> Notice
//! validate           bytes -> Spec, Vec<Problem>         all problems that the file alone shows
//! Spec::references   -> References                       what must be read in the account
//! verify_live        &Spec, &Found -> Vec<Problem>       references, capacity, permissions
//! plan               &Spec, &Found, ... -> SpecPlan      steps with differences
//! fill               &Write, &CreatedArns -> Write       the ARNs that earlier steps returned
//! undo               completed writes -> writes          roll back, last first
//! result             all of it -> SpecResult             the document in the bucket
//! ```

mod difference;
mod draft;
mod export;
pub mod follow;
pub mod found;
pub mod identity;
mod live;
mod mask;
mod members;
pub mod message;
pub mod notice;
mod placeholders;
mod plan;
pub mod problem;
mod reading;
pub mod references;
pub mod result;
pub mod rules;
mod shapes;
pub mod spec;
pub mod steps;
mod typed;
mod validate;
mod verify;

pub use export::{NotExported, export};
pub use live::verify_live;
pub use placeholders::{NotMade, fill, undo};
pub use plan::{Context, Removal, plan, plan_removal};
pub use validate::validate;
