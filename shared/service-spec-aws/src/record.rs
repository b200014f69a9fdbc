//! The records of specs: one item of the ledger's table for the object, and one for its service.
//!
//! The first contains the state of the object that was applied, the progress, and the run that
//! holds the spec: one run per spec at a time. The second maps the service to its spec, and
//! prevents a second spec from managing the same service. This module does not interpret them, and
//! they are not the truth about AWS: Portkeeper finds everything that it created by tags.

use crate::SpecAws;
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_aws::ledger::table::{self, CommitError, Key, LIFE_SECONDS, get_one, put_record};
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::notice::SpecObject;
use portkeeper_service_spec::references::References;
use portkeeper_service_spec::result::{SpecResult, Status};
use portkeeper_service_spec::steps::Write;
use serde::{Deserialize, Serialize};

/// The version of the record that this program writes and reads.
const SCHEMA: u32 = 1;

/// The record of one spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecRecord {
    /// The version of this form.
    pub schema: u32,
    /// The last state of the object that a run started to process.
    pub object: Option<SpecObject>,
    /// When that run started.
    pub taken_at: Option<Timestamp>,
    /// The status; none while a run is in progress.
    pub status: Option<Status>,
    /// The service.
    pub service: Option<ServiceKey>,
    /// Whether everything is deleted when the object is removed; otherwise it stays.
    #[serde(default)]
    pub delete_with_object: bool,
    /// The references of the spec when it was applied: where to find what was created.
    #[serde(rename = "wanted", default)]
    pub references: Option<References>,
    /// The deployment that is followed.
    pub deployment: Option<String>,
    /// The writes that roll back what an unfinished run may have created.
    #[serde(default)]
    pub undo: Vec<Write>,
    /// The last written result.
    pub result: Option<SpecResult>,
    /// The run that holds the lock on the spec.
    pub holder: Option<Holder>,
}

impl Default for SpecRecord {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            object: None,
            taken_at: None,
            status: None,
            service: None,
            delete_with_object: false,
            references: None,
            deployment: None,
            undo: Vec::new(),
            result: None,
            holder: None,
        }
    }
}

/// A run that holds the lock on a spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The id of the run.
    pub run: String,
    /// The run has ended by this time.
    pub until: Timestamp,
}

/// A record as it is stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredSpec {
    /// The stored record; empty if there is none.
    pub record: SpecRecord,
    counter: u64,
}

/// Reads the record of a spec.
pub async fn recall(aws: &SpecAws, table: &str, spec: &str) -> Result<StoredSpec, Failure> {
    let item = get_one(&aws.shared, table, Key::Spec(spec.to_owned())).await?;
    let Some(item) = item else { return Ok(StoredSpec::default()) };
    let record = match serde_json::from_str::<SpecRecord>(item.record()) {
        Ok(record) if record.schema == SCHEMA => record,
        Ok(other) => forgotten(
            spec,
            &format!("it has version {}, this program reads {SCHEMA}", other.schema),
        ),
        Err(error) => forgotten(spec, &chain(&error)),
    };
    Ok(StoredSpec { record, counter: item.counter() })
}

fn forgotten(spec: &str, why: &str) -> SpecRecord {
    tracing::warn!(
        spec,
        why,
        "cannot read the record of the spec: its resources will be found by their tags"
    );
    SpecRecord::default()
}

/// Stores this record in place of the one that was read, and updates `stored`. The record of a
/// removed spec expires after a month.
pub async fn commit(
    aws: &SpecAws,
    table: &str,
    spec: &str,
    stored: &mut StoredSpec,
    record: SpecRecord,
) -> Result<(), CommitError> {
    let key = Key::Spec(spec.to_owned());
    let json = |record: &SpecRecord| {
        serde_json::to_string(record)
            .map_err(|source| CommitError::NotJson { key: key.clone(), source })
    };
    let over = matches!(record.status, Some(Status::Kept | Status::Deleted));
    let expires_at = over.then(|| aws.shared.now().plus_secs(LIFE_SECONDS));
    put_record(&aws.shared, table, &key, stored.counter, json(&record)?, expires_at).await?;
    *stored = StoredSpec { record, counter: stored.counter + 1 };
    Ok(())
}

/// The spec of a service, if it has one.
pub async fn spec_of(
    aws: &SpecAws,
    table: &str,
    service: &ServiceKey,
) -> Result<Option<String>, Failure> {
    let item = get_one(&aws.shared, table, Key::SpecOf(service.clone())).await?;
    Ok(item.as_ref().and_then(|item| item.holder()).map(str::to_owned))
}

/// Assigns a service to this spec. Returns the spec that manages it, if that is another one.
pub async fn claim(
    aws: &SpecAws,
    table: &str,
    service: &ServiceKey,
    spec: &str,
) -> Result<Option<String>, Failure> {
    let key = Key::SpecOf(service.clone());
    table::claim(&aws.shared, table, &key, spec, spec, None).await
}

/// Releases the service if this spec manages it.
pub async fn release(
    aws: &SpecAws,
    table: &str,
    service: &ServiceKey,
    spec: &str,
) -> Result<(), Failure> {
    let expires_at = aws.shared.now().plus_secs(LIFE_SECONDS);
    let key = Key::SpecOf(service.clone());
    table::claim(&aws.shared, table, &key, spec, "", Some(expires_at)).await.map(|_| ())
}
