//! The progress bar of a long look. It is shown on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use portkeeper_aws::observe::cluster;
use std::io::{self, IsTerminal as _};

/// What is shown; the target groups take nearly all of the time.
const LINE: &str = "{prefix} {bar:30} {pos}/{len} target groups, {eta} left";

/// What is shown before it is known how many groups there are.
const FIRST_LINE: &str = "{prefix}: its services";

/// The bar on standard error, or nothing.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar, if it is wanted and somebody can see it.
    pub(super) fn new(is_wanted: bool) -> Self {
        let target = if is_wanted && io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { bar: ProgressBar::with_draw_target(Some(0), target) }
    }

    /// The next cluster begins.
    pub(super) fn begin(&self, number: usize, of: usize, name: &str) {
        self.bar.set_prefix(format!("cluster {number} of {of}, {name}"));
        self.set_line(FIRST_LINE);
        self.bar.reset();
    }

    /// So far has it come.
    pub(super) fn show(&self, progress: cluster::Progress) {
        if progress.done == 0 {
            self.set_line(LINE);
            self.bar.reset();
        }
        self.bar.set_length(u64::try_from(progress.of).unwrap_or(u64::MAX));
        self.bar.set_position(u64::try_from(progress.done).unwrap_or(u64::MAX));
    }

    /// The lines are fixed; one that cannot be understood would leave the bar as it is.
    fn set_line(&self, line: &str) {
        if let Ok(style) = ProgressStyle::with_template(line) {
            self.bar.set_style(style);
        }
    }

    /// The bar goes away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
