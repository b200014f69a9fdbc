//! A world written as text, checked by the core, and the result, again as text.
//!
//! The text is a script. A line states a fact, or changes one that was stated before; `look` makes
//! the core check the world as it is then. Without any `look` there are two checks, a minute apart,
//! because the first check writes nothing. The crate reads, writes and publishes as the functions
//! do: it reads what the core requests after the first reading, actions change the targets of the
//! world, alerts are marked as sent, and the next check starts from the record.
//!
//! `docs/text-worlds.md` describes every line. A line that is not understood is an error that names
//! it, the word and what is expected there; it is never skipped.
//!
//! The crate knows the lines and how AWS would answer for such a world. It must not know what is a
//! finding or what to do about it: the core decides that, and the core's tests verify it.

mod api_calls;
mod error;
mod facts;
mod groups;
mod names;
mod print;
pub mod read;
mod script;
mod service;
mod tasks;
mod words;
pub mod world;

pub use error::{TextError, WordError};
pub use script::{run, run_in};
pub use world::{Look, World};
