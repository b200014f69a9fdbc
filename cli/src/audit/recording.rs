//! What an audit saw, as a document on which `portkeeper plan` plans offline. Account numbers are
//! masked.

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

/// Many services as they were read, each as one observation file has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    /// The version of this form: 1.
    pub(crate) version: u32,
    /// What could not be read.
    #[serde(default)]
    unread: Vec<Unread>,
    /// What was read, service by service.
    pub(crate) inputs: Vec<PlanInput>,
}

/// Something that could not be read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unread {
    /// The cluster.
    cluster: String,
    /// Why.
    why: String,
    /// The services that it concerns; none for the cluster as a whole.
    #[serde(default)]
    services: BTreeSet<String>,
}

impl Recording {
    /// What was read in this look.
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

    /// Writes it, masked.
    pub(super) fn write(&self, mut file: File) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        // An earlier recording goes only now that there is a new one.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        file.write_all(Masks::of(&text).hide(&text).as_bytes())?;
        file.write_all(b"\n")
    }

    /// The report that the same look gives again.
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
