//! What an audit read, as a document for `portkeeper plan`. Account ids are masked.

use super::mask::Masks;
use super::report::Report;
use super::scan::Scanned;
use portkeeper_core::plan::PlanInput;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};

/// The version of the form. `docs/observation.md` describes it.
pub(crate) const RECORDING_VERSION: u32 = 1;

/// The observations of many services, each in the form of an observation file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    /// The version of this form: 1.
    pub(crate) version: u32,
    /// What could not be read.
    #[serde(default)]
    unread: Vec<Unread>,
    pub(crate) inputs: Vec<PlanInput>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unread {
    cluster: String,
    why: String,
    /// The services that it concerns; empty for the cluster as a whole.
    #[serde(default)]
    services: BTreeSet<String>,
}

impl Recording {
    pub(super) fn of(scanned: &Scanned) -> Self {
        let unread = scanned.report.unread.iter().map(|((cluster, why), services)| Unread {
            cluster: cluster.clone(),
            why: why.clone(),
            services: services.clone(),
        });
        Self {
            version: RECORDING_VERSION,
            unread: unread.collect(),
            inputs: scanned.inputs.clone(),
        }
    }

    /// Writes the recording with masked account ids.
    pub(super) fn write(&self, mut file: File) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        // The earlier recording is kept until the new one exists.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        file.write_all(Masks::of(&text).hide(&text).as_bytes())?;
        file.write_all(b"\n")
    }

    /// Returns the report that the audit printed.
    pub(crate) fn report(&self) -> Report {
        let mut report = Report::default();
        for Unread { cluster, why, services } in &self.unread {
            if services.is_empty() {
                report.note_unread(cluster, why);
            }
            for service in services {
                report.note_unread_service(cluster, service, why);
            }
        }
        self.inputs.iter().for_each(|input| report.add(input));
        report
    }
}
