//! The progress bar of a long audit. It is shown only on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use portkeeper_aws::observe::cluster;
use std::io::{self, IsTerminal as _};

/// The bar counts target groups, which take nearly all of the time.
const LINE: &str = "{prefix} {bar:30} {pos}/{len} target groups, {eta} left";

/// The line until the number of groups is known.
const FIRST_LINE: &str = "{prefix}: reading services";

/// The bar on standard error, or none.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Returns a bar that is visible only if it is wanted and standard error is a terminal.
    pub(super) fn new(is_wanted: bool) -> Self {
        let target = if is_wanted && io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { bar: ProgressBar::with_draw_target(Some(0), target) }
    }

    /// Starts the line of the next cluster.
    pub(super) fn begin(&self, number: usize, of: usize, name: &str) {
        self.bar.set_prefix(format!("cluster {number} of {of}, {name}"));
        self.set_line(FIRST_LINE);
        self.bar.reset();
    }

    pub(super) fn show(&self, progress: cluster::ReadProgress) {
        if progress.done == 0 {
            self.set_line(LINE);
            self.bar.reset();
        }
        self.bar.set_length(u64::try_from(progress.of).unwrap_or(u64::MAX));
        self.bar.set_position(u64::try_from(progress.done).unwrap_or(u64::MAX));
    }

    /// The templates are constants, so they always parse.
    fn set_line(&self, line: &str) {
        if let Ok(style) = ProgressStyle::with_template(line) {
            self.bar.set_style(style);
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
